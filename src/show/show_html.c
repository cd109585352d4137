/* A self-contained page: the texts of src/show/page/ around the data. */
#include "show/show_html.h"

#include "show/page_data.h"
#include "show/page_text.h"
#include "show/show_figures.h"
#include "show/show_output.h"
#include "show/show_phrase.h"

int hap_show_html(const struct hap_show *show, size_t top, const struct hap_tokenizer *tokenizer,
                  FILE *out, struct hap_error *err)
{
        const struct hap_section *main = hap_page_main(show);
        char title[HAP_TITLE];
        int rc;

        hap_phrase_title(main ? main->header : show->sections[0].header, show->sections[0].name,
                         title);
        fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
              "<meta name=\"viewport\" content=\"width=device-width\">\n<title>", out);
        hap_write_escaped(out, title);
        fprintf(out, "</title>\n<style>\n%s</style></head>\n<body>\n%s", hap_page_style,
                hap_page_body);
        if (!main) {
                fputs("<div id=\"figures\" class=\"figures\">\n", out);
                if ((rc = hap_draw_figures(show, out, err)) < 0)
                        return rc;
                fputs("</div>\n", out);
        }
        fputs("<script type=\"application/json\" id=\"hap-data\">\n", out);
        rc = hap_page_data(show, top, tokenizer, out, err);
        fprintf(out, "</script>\n<script>\n%s</script>\n</body></html>\n", hap_page_script);
        return rc < 0 ? rc : hap_show_written(out, err);
}
