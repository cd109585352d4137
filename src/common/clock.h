/* The time that passes while a program runs. */
#ifndef HAP_COMMON_CLOCK_H
#define HAP_COMMON_CLOCK_H

/* Seconds since a fixed point in the past. A change of the system's date does not affect
 * them. */
double hap_seconds(void);

#endif
