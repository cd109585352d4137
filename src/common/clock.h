/* The time that passes while a program runs. */
#ifndef HAP_COMMON_CLOCK_H
#define HAP_COMMON_CLOCK_H

/* Seconds since a fixed point in the past. A change of the system's date does not affect
 * them. */
double hap_seconds(void);
/* A short wait before something is tried again, for the `times`-th time from 0 on; longer after
 * many. */
void hap_nap(int times);

#endif
