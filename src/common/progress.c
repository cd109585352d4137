#include "common/progress.h"

#include <unistd.h>

#include "common/clock.h"
#include "common/mpi.h"
#include "common/program.h"

#define INTERVAL 0.1 /* seconds between two drawings */

void hap_progress_clear(struct hap_program *program)
{
        if (program->shown > 0)
                fputs("\r\033[K", stderr);
        program->shown = 0;
}

/* "3 min left", or nothing while it is unknown. */
static void time_left(char *text, size_t size, double elapsed, size_t done, size_t total)
{
        double left;

        text[0] = '\0';
        if (!done || total < done || elapsed < 1)
                return;
        left = elapsed * (double)(total - done) / (double)done;
        if (left < 100)
                snprintf(text, size, ", %.0f s left", left);
        else if (left < 6000)
                snprintf(text, size, ", %.0f min left", left / 60);
        else
                snprintf(text, size, ", %.1f h left", left / 3600);
}

void hap_progress(struct hap_program *program, size_t done, size_t total, const char *note)
{
        double time = hap_seconds();
        char left[32], of[32] = "";

        if (program->quiet || !hap_mpi_writes() || !isatty(STDERR_FILENO) ||
            (program->shown > 0 && time - program->shown < INTERVAL && done != total))
                return;
        time_left(left, sizeof(left), time - program->started, done, total);
        if (total)
                snprintf(of, sizeof(of), " of %zu", total);
        fprintf(stderr, "\r%s: %zu%s%s%s%s\033[K", program->info->name, done, of, left,
                note ? ", " : "", note ? note : "");
        program->shown = time;
}
