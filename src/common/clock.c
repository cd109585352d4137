#include "common/clock.h"

#include <sched.h>
#include <time.h>

double hap_seconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void hap_nap(int times)
{
        if (times < 2000)
                sched_yield();
        else
                nanosleep(&(struct timespec){.tv_nsec = times < 12000 ? 100000 : 1000000}, NULL);
}
