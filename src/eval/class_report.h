/* The report of hap-eval --classes. */
#ifndef HAP_EVAL_CLASS_REPORT_H
#define HAP_EVAL_CLASS_REPORT_H

#include "common/program.h"

/* Writes to p->out a report of the circuits in p->in by the classes of a file (classes.h). Circuits
 * are called as in circuit_names.h. Dead edges are
 * dropped unless keep_dead. Sets *n to the number of circuits. The message of an error is in
 * p->error. HAP_EINPUT: no circuit, or not one for the nodes of the file. */
int hap_class_report(struct hap_program *p, const char *path, const struct hap_texts *given,
                     bool keep_dead, size_t *n);

#endif
