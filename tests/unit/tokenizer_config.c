/* What tokenizer_config.json, special_tokens_map.json and added_tokens.json
 * change. The ids are those of transformers' AutoTokenizer. */
#include <jansson.h>

#include "tokenizer_folder.h"

TEST("BOS follows add_bos_token only for the classes that obey it")
{
        const char *json =
                "{" MODEL ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":["
                "{\"SpecialToken\":{\"id\":\"b\"}},{\"Sequence\":{\"id\":\"A\"}}],"
                "\"special_tokens\":{\"b\":{\"ids\":[1]}}}}";
        static const struct {
                const char *config;
                int32_t bos;
        } cases[] = {
                { "{}", 1 },
                { "{\"add_bos_token\":false}", 1 },
                { "{\"tokenizer_class\":\"LlamaTokenizerFast\",\"add_bos_token\":false}", -1 },
                { "{\"tokenizer_class\":\"LlamaTokenizer\",\"bos_token\":\"a\"}", 0 },
                { "{\"tokenizer_class\":\"GemmaTokenizer\",\"bos_token\":{\"content\":\"ab\"},"
                  "\"add_bos_token\":true}", 2 },
                { "{\"tokenizer_class\":\"PreTrainedTokenizerFast\",\"add_bos_token\":true}", 1 },
                { "{\"tokenizer_class\":\"GPTNeoXTokenizer\"}", -1 },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                new_folder();
                write_text("tokenizer.json", json);
                write_text("tokenizer_config.json", cases[i].config);
                struct hap_tokenizer *t = load(folder);
                CHECK(t != NULL && hap_tokenizer_bos(t) == cases[i].bos);
                hap_tokenizer_free(t);
                remove_folder();
        }
        new_folder();
        write_text("tokenizer.json", json);
        write_text("tokenizer_config.json", "{\"tokenizer_class\":\"LlamaTokenizer\","
                                            "\"bos_token\":\"a\",\"add_eos_token\":true}");
        refused_at(folder, "add_eos_token");
        remove_folder();
}

TEST("the config adds tokens to tokenizer.json and sets whether a space comes first")
{
        const char *json = "{\"model\":{\"vocab\":{\"a\":0,\"\u0120\":1},\"merges\":[]},"
                           "\"pre_tokenizer\":{\"type\":\"ByteLevel\"}}";
        int32_t ids[4];

        new_folder();
        write_text("tokenizer.json", json);
        struct hap_tokenizer *t = load(folder);
        CHECK(hap_tokenizer_encode(t, "a", 1, true, true, ids, 4, &err) == 2);
        hap_tokenizer_free(t);
        write_text("tokenizer_config.json",
                   "{\"add_prefix_space\":false,\"added_tokens_decoder\":{\"3\":"
                   "{\"content\":\"<y>\"},\"2\":{\"content\":\"<x>\",\"special\":true}}}");
        t = load(folder);
        CHECK_TEXT(ids_of(t, "a<x><y>", true), "0 2 3");
        hap_tokenizer_free(t);
        write_text("tokenizer_config.json",
                   "{\"added_tokens_decoder\":{\"9\":{\"content\":\"<x>\"}}}");
        refused_at(folder, "added token '<x>' has id 9, but the next free id is 2");
        write_text("tokenizer_config.json", "{\"added_tokens_decoder\":{\"x\":{}}}");
        refused_at(folder, "added_tokens_decoder");
        remove_folder();
}

/* What transformers 4.57.1 and 5.24.0 do with these files (AutoTokenizer, encoding "a"): whether a
 * space comes first. */
TEST("the space before a text is that of the class in transformers 4, with a note where 5 differs")
{
        static const struct {
                const char *class_name, *model_type;
                bool sequence, stored;
                int flag; /* add_prefix_space of the config; -1: none */
                bool in_4, in_5;
        } cases[] = {
                { "GPT2Tokenizer", "llama", false, true, -1, false, false },
                { "GPT2TokenizerFast", "gpt2", false, true, 1, true, true },
                { "GPT2TokenizerFast", "gpt2", false, true, 0, false, false },
                { "GPT2TokenizerFast", "gpt2", false, false, 1, true, true },
                { "GPT2TokenizerFast", "gpt2", true, true, -1, true, false },
                { "GPT2TokenizerFast", "gpt2", true, false, 1, false, true },
                { NULL, "gpt2", false, true, -1, false, false },
                { NULL, "opt", false, true, -1, false, false },
                { NULL, "qwen2", true, true, 0, true, false },
                { NULL, "gpt_neox", false, true, -1, false, false },
                { NULL, "bloom", true, false, 1, true, false },
                { NULL, "bloom", false, true, -1, false, true },
                { "PreTrainedTokenizerFast", "llama", false, true, -1, false, true },
                { "PreTrainedTokenizerFast", "llama", false, false, 1, true, false },
                { "PreTrainedTokenizerFast", "llama", true, true, 0, true, true },
                { "BloomTokenizerFast", "gpt2", false, true, 0, false, true },
                { "GPTNeoXTokenizerFast", "gpt2", false, true, -1, false, false },
                { "Qwen2Tokenizer", "gpt2", false, true, -1, false, false },
                { "CodeGenTokenizerFast", "gpt2", false, true, -1, false, false },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                const char *level = cases[i].stored ? "{\"type\":\"ByteLevel\"}"
                                                    : "{\"type\":\"ByteLevel\",\"add_prefix_space\":false}";
                char text[600];
                int32_t ids[4];

                new_folder();
                snprintf(text, sizeof text, "{\"model\":{\"vocab\":{\"a\":0,\"\u0120\":1},"
                         "\"merges\":[]},\"pre_tokenizer\":%s%s%s}",
                         cases[i].sequence ? "{\"type\":\"Sequence\",\"pretokenizers\":[" : "", level,
                         cases[i].sequence ? "]}" : "");
                write_text("tokenizer.json", text);
                snprintf(text, sizeof text, "{\"x\":0%s%s%s%s}",
                         cases[i].class_name ? ",\"tokenizer_class\":\"" : "",
                         cases[i].class_name ? cases[i].class_name : "",
                         cases[i].class_name ? "\"" : "",
                         cases[i].flag < 0 ? "" : cases[i].flag ? ",\"add_prefix_space\":true"
                                                                : ",\"add_prefix_space\":false");
                write_text("tokenizer_config.json", text);
                snprintf(text, sizeof text, "{\"model_type\":\"%s\"}", cases[i].model_type);
                write_text("config.json", text);
                struct hap_tokenizer *t = load(folder);
                CHECK(t != NULL);
                CHECK(hap_tokenizer_encode(t, "a", 1, true, false, ids, 4, &err) ==
                      1 + cases[i].in_4);
                CHECK((hap_tokenizer_note(t) != NULL) == (cases[i].in_4 != cases[i].in_5));
                hap_tokenizer_free(t);
                remove_folder();
        }
}

TEST("vocab.json and merges.txt take class, special tokens and BOS from the config")
{
        int32_t ids[8];

        new_folder();
        write_text("vocab.json", "{\"1\":0,\"2\":1,\"12\":6,\"<e>\":3}");
        write_text("merges.txt", "#version: 0.2\r\n1 2\r\n");
        write_text("tokenizer_config.json",
                   "{\"tokenizer_class\":\"GPT2Tokenizer\",\"bos_token\":\"<e>\","
                   "\"add_bos_token\":true,\"added_tokens_decoder\":{\"4\":"
                   "{\"content\":\"<x>\",\"special\":true}}}");
        struct hap_tokenizer *t = load(folder);
        CHECK(hap_tokenizer_encode(t, "12<e><x>", 8, true, true, ids, 8, &err) == 4);
        CHECK(ids[0] == 3 && ids[1] == 6 && ids[2] == 3 && ids[3] == 4);
        CHECK(hap_tokenizer_size(t) == 7 && hap_tokenizer_text(t, 5, NULL) == NULL);
        hap_tokenizer_free(t);
        /* Qwen2 takes digits one by one. */
        write_text("tokenizer_config.json", "{\"tokenizer_class\":\"Qwen2Tokenizer\"}");
        t = load(folder);
        CHECK(hap_tokenizer_encode(t, "12", 2, true, true, ids, 8, &err) == 2);
        hap_tokenizer_free(t);
        write_text("tokenizer_config.json", "{\"tokenizer_class\":\"CLIPTokenizer\"}");
        refused_at(folder, "CLIPTokenizer");
        remove_folder();
}

/* Copies one of the demo model's files to the folder. */
static void link_demo(const char *name)
{
        char from[4096], path[128];

        CHECK(getcwd(from, sizeof from - 64) != NULL);
        snprintf(from + strlen(from), 64, "/models/demo/%s", name);
        snprintf(path, sizeof path, "%s/%s", folder, name);
        CHECK(symlink(from, path) == 0);
}

TEST("a GPT-2 of vocab.json and merges.txt puts a space first if its config says so")
{
        new_folder();
        link_demo("vocab.json");
        link_demo("merges.txt");
        write_text("tokenizer_config.json",
                   "{\"tokenizer_class\":\"GPT2Tokenizer\",\"add_prefix_space\":true}");
        folder_ids("Mary went", true, "796 385");
        folder_ids(" Mary went", true, "796 385");
        write_text("tokenizer_config.json",
                   "{\"tokenizer_class\":\"GPT2Tokenizer\",\"add_prefix_space\":false}");
        folder_ids("Mary went", true, "44 625 385");
        remove_folder();
}

TEST("added_tokens.json adds tokens where the config has no added_tokens_decoder")
{
        new_folder();
        write_text("vocab.json", "{\"1\":0,\"2\":1,\"12\":2,\"<e>\":3,\"<|endoftext|>\":4}");
        write_text("merges.txt", "#version: 0.2\n1 2\n");
        write_text("added_tokens.json", "{\"1 2\":6,\"<x>\":5}");
        folder_ids("12<x>1 2<e>", true, "2 5 6");
        write_text("tokenizer_config.json",
                   "{\"tokenizer_class\":\"GPT2Tokenizer\",\"eos_token\":\"<e>\","
                   "\"additional_special_tokens\":[\"<x>\"]}");
        folder_ids("12<x>1 2<e>", true, "2 5 6 3");
        folder_ids("12<x>1 2<e>", false, "2 6");
        write_text("added_tokens.json", "{\"<x>\":9}");
        refused_at(folder, "added token '<x>' has id 9, but the next free id is 5");
        write_text("added_tokens.json", "{\"<x>\":\"y\"}");
        refused_at(folder, "added_tokens.json: token '<x>' has no id");
        write_text("tokenizer_config.json",
                   "{\"added_tokens_decoder\":{\"5\":{\"content\":\"<y>\",\"special\":true}}}");
        folder_ids("12<y>12<x>", true, "2 5 2");
        remove_folder();
        /* With tokenizer.json too. */
        new_folder();
        write_text("tokenizer.json", "{" MODEL "}");
        write_text("added_tokens.json", "{\"<x>\":3}");
        folder_ids("ab<x>", true, "2 3");
        remove_folder();
}

/* The demo model's tokenizer.json, without added tokens. */
static void write_plain_demo(void)
{
        json_t *json = json_load_file("models/demo/tokenizer.json", 0, NULL);
        char *text;

        CHECK(json_object_set_new(json, "added_tokens", json_array()) == 0);
        text = json_dumps(json, 0);
        CHECK(text != NULL);
        if (text != NULL)
                write_text("tokenizer.json", text);
        free(text);
        json_decref(json);
}

#define FAST "\"tokenizer_class\":\"PreTrainedTokenizerFast\","

TEST("special tokens that only the config names are special with a tokenizer.json too")
{
        const char *text = "Mary<|endoftext|>went";
        const char *plain = "44 625 27 91 313 78 419 356 91 29 86 363";

        new_folder();
        write_plain_demo();
        folder_ids(text, true, plain);
        write_text("tokenizer_config.json", "{" FAST "\"eos_token\":\"<|endoftext|>\"}");
        folder_ids(text, true, "44 625 1003 86 363");
        folder_ids(text, false, plain);
        write_text("tokenizer_config.json",
                   "{" FAST "\"eos_token\":{\"__type\":\"AddedToken\","
                   "\"content\":\"<|endoftext|>\",\"lstrip\":true}}");
        folder_ids("Mary <|endoftext|> went", true, "44 625 1003 385");
        write_text("tokenizer_config.json",
                   "{" FAST "\"additional_special_tokens\":[\"went\",\"or\"]}");
        refused_at(folder, "a special token 'went'");
        write_text("tokenizer_config.json", "{" FAST "\"additional_special_tokens\":[\"ent\"]}");
        folder_ids("Mary went", true, "44 625 274 363");
        write_text("tokenizer_config.json", "{" FAST "\"extra_special_tokens\":{\"x\":\"ent\"}}");
        folder_ids("Mary went", true, "44 625 274 363");
        write_text("tokenizer_config.json", "{" FAST "\"split_special_tokens\":true}");
        refused_at(folder, "split_special_tokens");
        remove_folder();
}

TEST("special_tokens_map.json names special tokens if there is no added_tokens_decoder")
{
        const char *text = "Mary<|endoftext|>went";

        new_folder();
        write_plain_demo();
        write_text("special_tokens_map.json", "{\"eos_token\":{\"content\":\"<|endoftext|>\"}}");
        folder_ids(text, true, "44 625 1003 86 363");
        write_text("tokenizer_config.json", "{" FAST "\"eos_token\":\"ent\"}");
        folder_ids("Mary went<|endoftext|>", true, "44 625 385 1003");
        write_text("tokenizer_config.json",
                   "{" FAST "\"additional_special_tokens\":[\"<|endoftext|>\"]}");
        write_text("special_tokens_map.json", "{\"additional_special_tokens\":[\"ent\"]}");
        folder_ids("Mary went<|endoftext|>", true, "44 625 274 363 1003");
        write_text("tokenizer_config.json", "{" FAST "\"added_tokens_decoder\":{}}");
        folder_ids(text, true, "44 625 27 91 313 78 419 356 91 29 86 363");
        remove_folder();
}

TEST("a token added as an ordinary one is special where the config names it")
{
        new_folder();
        write_text("tokenizer.json",
                   "{" MODEL ",\"added_tokens\":[{\"id\":3,\"content\":\"<x>\"}]}");
        folder_ids("a<x>", false, "0 3");
        write_text("tokenizer_config.json", "{" FAST "\"pad_token\":\"<x>\"}");
        folder_ids("a<x>", true, "0 3");
        folder_ids("a<x>", false, "0");
        remove_folder();
}

TEST("a special token that is described twice in different ways is refused")
{
        new_folder();
        write_text("tokenizer.json", "{" MODEL ",\"added_tokens\":[{\"id\":3,\"content\":\"<x>\","
                                     "\"normalized\":false}]}");
        write_text("tokenizer_config.json",
                   "{" FAST "\"additional_special_tokens\":[{\"__type\":\"AddedToken\","
                   "\"content\":\"<x>\",\"lstrip\":true}]}");
        refused_at(folder, "special token '<x>' is described twice");
        write_text("tokenizer_config.json",
                   "{" FAST "\"additional_special_tokens\":[{\"__type\":\"AddedToken\","
                   "\"content\":\"<x>\",\"lstrip\":false,\"normalized\":false}]}");
        folder_ids("a<x>", true, "0 3");
        /* Here the added token's description is used. */
        write_text("tokenizer_config.json", "{" FAST "\"pad_token\":{\"__type\":\"AddedToken\","
                                            "\"content\":\"<x>\",\"single_word\":true}}");
        folder_ids("a<x>", true, "0 3");
        write_text("added_tokens.json", "{\"<y>\":4}");
        write_text("tokenizer_config.json", "{" FAST "\"pad_token\":{\"__type\":\"AddedToken\","
                                            "\"content\":\"<y>\",\"single_word\":true}}");
        refused_at(folder, "special token '<y>' is described twice");
        remove_folder();
}

RUN_TESTS
