#include "model/moe_like.h"

void hap_experts_sizes(struct hap_blueprint *blueprint, const char *experts, int usual,
                       int usual_used)
{
        struct hap_settings *s = blueprint->settings;
        struct hap_config *c = &blueprint->model->config;

        c->n_experts = hap_settings_int(s, experts, 1, HAP_MAX_EXPERTS, usual);
        c->n_used = hap_settings_int(s, "num_experts_per_tok", 1, HAP_MAX_EXPERTS, usual_used);
        if (c->n_used > c->n_experts)
                hap_settings_fail(s, "'num_experts_per_tok' is above '%s'", experts);
        /* These matter in training only. */
        hap_settings_value(s, "output_router_logits");
        hap_settings_value(s, "router_aux_loss_coef");
        hap_settings_value(s, "router_jitter_noise");
}

void hap_experts_apart(struct hap_blueprint *blueprint)
{
        struct hap_weight_layout *l = &blueprint->layout;

        blueprint->model->config.route_all =
                !hap_settings_flag(blueprint->settings, "norm_topk_prob", false);
        l->router = "layers.%d.mlp.gate";
        l->gate = "layers.%d.mlp.experts.%d.gate_proj";
        l->in = "layers.%d.mlp.experts.%d.up_proj";
        l->out = "layers.%d.mlp.experts.%d.down_proj";
}
