#include "convert/exchange_file.h"

#include <stdlib.h>
#include <string.h>

/* The largest file: 123,211 edges take 9 MB. */
#define FILE_BYTES ((size_t)1 << 30)

/* torch.save writes a zip archive; older versions, and pickle itself, begin with 0x80. */
static int refuse_pickle(const struct hap_byte_input *input, struct hap_error *err)
{
        const unsigned char *data = (const unsigned char *)input->data;

        if (!(input->ready >= 4 && memcmp(data, "PK\003\004", 4) == 0) &&
            !(input->ready >= 2 && data[0] == 0x80 && data[1] >= 2 && data[1] <= 5))
                return HAP_OK;
        return hap_fail(err, HAP_EINPUT,
                        "cannot read '%s': it is a pickle of PyTorch, which can run any code; "
                        "convert it where EAP-IG is installed: python3 -c \"from eap.graph import "
                        "Graph; Graph.from_pt('%s').to_json('graph.json')\"", input->name,
                        input->name);
}

/* The length of NaN, Infinity or -Infinity at the text, or 0. */
static size_t odd_number(const char *text, size_t n)
{
        static const char *const names[] = {"NaN", "Infinity", "-Infinity"};

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (n >= strlen(names[i]) && memcmp(text, names[i], strlen(names[i])) == 0)
                        return strlen(names[i]);
        return 0;
}

/* Copies the text with quotes around those numbers outside strings. out: twice the text's size
 * is enough. Returns the length. */
static size_t quote_numbers(const char *text, size_t n, char *out)
{
        bool quoted = false;
        size_t length = 0;

        for (size_t i = 0; i < n;) {
                size_t odd = quoted ? 0 : odd_number(text + i, n - i);

                if (odd) {
                        out[length++] = '"';
                        memcpy(out + length, text + i, odd);
                        length += odd;
                        out[length++] = '"';
                        i += odd;
                        continue;
                }
                if (quoted && text[i] == '\\' && i + 1 < n)
                        out[length++] = text[i++];
                else if (text[i] == '"')
                        quoted = !quoted;
                out[length++] = text[i++];
        }
        return length;
}

int hap_exchange_load(struct hap_byte_input *input, json_t **value, struct hap_error *err)
{
        json_error_t why;
        char *text;
        int rc = hap_byte_input_detect(input, err);

        *value = NULL;
        if (rc == 0)
                rc = hap_byte_input_need(input, FILE_BYTES, err);
        if (rc == 0)
                rc = refuse_pickle(input, err);
        if (rc < 0)
                return rc;
        if (input->ready >= FILE_BYTES)
                return hap_fail(err, HAP_EINPUT,
                                "cannot read '%s': it exceeds the limit of %zu bytes", input->name,
                                FILE_BYTES);
        text = malloc(2 * input->ready + 1);
        if (!text)
                return hap_fail_memory(err, "a file");
        *value = json_loadb(text, quote_numbers((const char *)input->data, input->ready, text),
                            JSON_REJECT_DUPLICATES, &why);
        free(text);
        if (!*value)
                return hap_fail(err, HAP_EINPUT, "cannot read '%s': not valid JSON: %s, line %d",
                                input->name, why.text, why.line);
        return HAP_OK;
}
