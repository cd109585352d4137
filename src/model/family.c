#include "model/family.h"

#include <stdio.h>
#include <string.h>

/* One row per family; hap_family_NAME is defined in family_NAME.c. */
#define FAMILIES(row) \
        row(hap_family_gpt2) \
        row(hap_family_gpt_neo) \
        row(hap_family_gpt_neox) \
        row(hap_family_gptj) \
        row(hap_family_gpt_bigcode) \
        row(hap_family_opt) \
        row(hap_family_llama) \
        row(hap_family_mistral) \
        row(hap_family_qwen2) \
        row(hap_family_qwen3) \
        row(hap_family_qwen3_moe) \
        row(hap_family_smollm3) \
        row(hap_family_olmo2) \
        row(hap_family_olmo3) \
        row(hap_family_olmoe) \
        row(hap_family_mixtral) \
        row(hap_family_gpt_oss) \
        row(hap_family_falcon) \
        row(hap_family_bloom) \
        row(hap_family_mpt) \
        row(hap_family_granite) \
        row(hap_family_stablelm) \
        row(hap_family_starcoder2) \
        row(hap_family_phi) \
        row(hap_family_phi3) \
        row(hap_family_cohere) \
        row(hap_family_gemma) \
        row(hap_family_gemma2) \
        row(hap_family_gemma3) \
        row(hap_family_gemma3_text) \
        row(hap_family_tracr)

#define DECLARE(family) extern const struct hap_family family;
FAMILIES(DECLARE)

#define ADDRESS(family) &family,
const struct hap_family *const hap_families[] = {FAMILIES(ADDRESS) NULL};

const struct hap_family *hap_family_find(const char *model_type, const char *name)
{
        for (const struct hap_family *const *at = hap_families; *at; at++) {
                const char *prefix = (*at)->name_prefix;

                if (model_type ? strcmp(model_type, (*at)->name) == 0
                               : prefix && strncmp(name, prefix, strlen(prefix)) == 0)
                        return *at;
        }
        return NULL;
}

const struct hap_family *hap_family_of_architecture(const char *architecture)
{
        for (const struct hap_family *const *at = hap_families; *at; at++)
                if ((*at)->architecture && strcmp(architecture, (*at)->architecture) == 0)
                        return *at;
        return NULL;
}

/* Adds a name to a list separated by commas; one that does not fit is left out. */
static void append_name(char *text, size_t size, const char *name)
{
        const size_t used = strlen(text);

        if (used + strlen(name) + 3 <= size)
                snprintf(text + used, size - used, "%s%s", used ? ", " : "", name);
}

const char *hap_family_names(char *text, size_t size)
{
        *text = '\0';
        for (const struct hap_family *const *at = hap_families; *at; at++)
                append_name(text, size, (*at)->name);
        return text;
}

const char *hap_family_architectures(char *text, size_t size)
{
        *text = '\0';
        for (const struct hap_family *const *at = hap_families; *at; at++)
                if ((*at)->architecture)
                        append_name(text, size, (*at)->architecture);
        return text;
}
