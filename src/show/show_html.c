/* A self-contained page: the picture, which shows only the edges of the node under the
 * pointer, and a table of the edges, which sorts by any column and filters by name. */
#include "show/show_html.h"

#include "show/show_output.h"
#include "show/show_plot.h"
#include "show/show_svg.h"

static const char head[] =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n<style>\n"
        ":root{color-scheme:light dark}\n"
        "body{font:15px/1.45 Helvetica,Arial,'DejaVu Sans',sans-serif;margin:1.5em;"
        "display:flex;flex-wrap:wrap;gap:2em;align-items:flex-start}\n"
        "svg{max-width:100%;height:auto}\n"
        "table{border-collapse:collapse;font-variant-numeric:tabular-nums}\n"
        "th,td{text-align:left;padding:.15em .8em .15em 0;border-bottom:1px solid #8884}\n"
        "th{cursor:pointer;position:sticky;top:0;background:Canvas}\n"
        "td.r{text-align:right}\n"
        "section{max-height:95vh;overflow:auto;min-width:22em}\n"
        "input{font:inherit;padding:.2em .5em;margin-bottom:.6em}\n"
        "svg.on .e path{opacity:.06}svg.on .e path.on{opacity:1;stroke-opacity:1}\n"
        "svg.on .n g{opacity:.35}svg.on .n g.on{opacity:1}\n"
        ".n g,tbody tr{cursor:pointer}tbody tr:hover{background:#8882}\n"
        "</style>\n";

static const char script[] =
        "<script>\n"
        "const svg=document.querySelector('svg'),table=document.querySelector('table');\n"
        "const edges=[...svg.querySelectorAll('.e path')],"
        "nodes=[...svg.querySelectorAll('.n g')];\n"
        "let fixed=null;\n"
        "function light(test){\n"
        "  const on=new Set();\n"
        "  for(const e of edges){\n"
        "    const hit=test(e);\n"
        "    e.classList.toggle('on',hit);\n"
        "    if(hit){on.add(e.dataset.f);on.add(e.dataset.t)}\n"
        "  }\n"
        "  for(const n of nodes)n.classList.toggle('on',on.has(n.dataset.n));\n"
        "  svg.classList.add('on');\n"
        "}\n"
        "function dark(){if(fixed)light(fixed);else svg.classList.remove('on')}\n"
        "for(const n of nodes){\n"
        "  const test=e=>e.dataset.f===n.dataset.n||e.dataset.t===n.dataset.n;\n"
        "  n.addEventListener('mouseenter',()=>light(test));\n"
        "  n.addEventListener('mouseleave',dark);\n"
        "  n.addEventListener('click',e=>{fixed=test;light(test);e.stopPropagation()});\n"
        "}\n"
        "svg.addEventListener('click',()=>{fixed=null;dark()});\n"
        "const body=table.tBodies[0];\n"
        "for(const row of body.rows){\n"
        "  row.addEventListener('mouseenter',()=>light(e=>e.dataset.e===row.dataset.e));\n"
        "  row.addEventListener('mouseleave',dark);\n"
        "}\n"
        "[...table.tHead.rows[0].cells].forEach((cell,i)=>{\n"
        "  let up=false;\n"
        "  cell.addEventListener('click',()=>{\n"
        "    const key=r=>r.cells[i].dataset.k??r.cells[i].textContent;\n"
        "    const numbers=cell.dataset.n!==undefined;\n"
        "    up=!up;\n"
        "    const rows=[...body.rows].sort((a,b)=>(numbers?key(b)-key(a)\n"
        "      :key(a).localeCompare(key(b),'en',{numeric:true}))*(up?1:-1));\n"
        "    body.append(...rows);\n"
        "  });\n"
        "});\n"
        "document.querySelector('input').addEventListener('input',e=>{\n"
        "  const words=e.target.value.split(/\\s+/);\n"
        "  for(const r of body.rows)\n"
        "    r.hidden=!words.every(w=>r.cells[0].textContent.includes(w));\n"
        "});\n"
        "</script>\n";

static void write_row(const struct hap_drawing *d, const struct hap_drawn *edge, FILE *out)
{
        static const char *const kinds[] = {"q", "k", "v", "MLP", "logits"};
        int reader = hap_graph_edge_reader(d->graph, edge->edge);
        char name[HAP_NAME];

        hap_graph_edge_name(d->graph, edge->edge, name);
        fprintf(out, "<tr data-e=\"%zu\"><td data-k=\"%zu\">", edge->edge, edge->edge);
        hap_write_escaped(out, name);
        fprintf(out, "</td><td>%s</td>", kinds[hap_graph_reader(d->graph, reader).kind]);
        if (d->values_are_z)
                fprintf(out, "<td class=\"r\">%.4g</td>", edge->z);
        if (d->by_score)
                fprintf(out, "<td class=\"r\">%.4g</td>", edge->score);
        fprintf(out, "<td>%s</td></tr>\n", edge->dead ? "dead" : "");
}

static void write_table(const struct hap_drawing *d, FILE *out)
{
        fprintf(out, "<section><input type=\"search\" placeholder=\"filter: a3.h2 logits\""
                " aria-label=\"filter\">\n<table><thead><tr><th data-n>edge</th><th>into</th>"
                "%s%s<th></th></tr></thead><tbody>\n",
                d->values_are_z ? "<th data-n>z</th>" : "",
                d->by_score ? "<th data-n>score</th>" : "");
        for (size_t i = d->n; i-- > 0;)
                write_row(d, &d->edges[i], out);
        fputs("</tbody></table></section>\n", out);
}

static void write_head(const char *title, FILE *out)
{
        fprintf(out, "%s<title>", head);
        hap_write_escaped(out, title);
        fputs("</title></head><body>\n", out);
}

int hap_show_html(const struct hap_drawing *drawing, FILE *out, struct hap_error *err)
{
        char title[HAP_TITLE];

        hap_drawing_title(drawing, title);
        write_head(title, out);
        hap_draw(drawing, true, out);
        write_table(drawing, out);
        fprintf(out, "%s</body></html>\n", script);
        return hap_show_written(out, err);
}

int hap_show_plot_html(const struct hap_show *show, FILE *out, struct hap_error *err)
{
        write_head("training log", out);
        hap_plot(show, out);
        fputs("</body></html>\n", out);
        return hap_show_written(out, err);
}
