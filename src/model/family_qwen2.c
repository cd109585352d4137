/* Qwen 2: Llama with biases of q, k and v. */
#include "model/family.h"
#include "model/gguf_like.h"
#include "model/llama_like.h"

static void read_qwen2(struct hap_blueprint *blueprint)
{
        hap_llama_sizes(blueprint, 32, 0);
        blueprint->layout.qkv_bias = true;
        hap_settings_value(blueprint->settings, "attention_bias"); /* not read by the family */
        hap_llama_layers(blueprint);
        hap_qwen_windows(blueprint);
}

static void read_qwen2_gguf(const struct hap_gguf *gguf, struct hap_blueprint *b)
{
        hap_gguf_llama(gguf, b);
        hap_gguf_rotary(b, 0, 0, 0);
}

const struct hap_family hap_family_qwen2 = {
        .name = "qwen2",
        .architecture = "qwen2",
        .help = "Qwen 2",
        .layout = &hap_llama_layout,
        .read_config = read_qwen2,
        .read_gguf = read_qwen2_gguf,
};
