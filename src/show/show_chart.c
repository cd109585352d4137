#include "show/show_chart.h"

#include <math.h>

enum { LINES = 8 };

/* The first five differ for every kind of colour vision: src/show/page/colours.js. */
static const char *const colours[LINES] = {"#1f9be8", "#cc8500", "#3648f6", "#8c4891",
                                           "#c2162f", "#4f7d3a", "#8a6d3b", "#6e7781"};
static const char *const dashes[LINES] = {"none", "7 3", "2 3", "9 3 2 3",
                                          "12 4", "4 2", "1 4", "14 3 2 3 2 3"};

void hap_chart_begin(FILE *out, int width, int height, bool white)
{
        fprintf(out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\""
                " height=\"%d\" role=\"img\">\n<style>"
                "text{font:12.5px Helvetica,Arial,'DejaVu Sans',sans-serif;fill:#57606a}"
                ".h{font-weight:bold}path{stroke-width:1.8}"
                ".a{stroke:#8d99a8;stroke-opacity:.35;stroke-width:1}%s</style>\n",
                width, height, width, height,
                white ? "" : "@media (prefers-color-scheme:dark){text{fill:#9aa7b4}}");
        if (white)
                fputs("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n", out);
}

const char *hap_chart_colour(int line)
{
        return colours[line % LINES];
}

const char *hap_chart_dash(int line)
{
        return dashes[line % LINES];
}

double hap_chart_step(double low, double high, int n)
{
        const double rough = (high - low) / n, power = pow(10, floor(log10(rough)));
        const double share = rough / power;

        return power * (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10);
}
