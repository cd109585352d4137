/* Half-precision numbers. */
#ifndef HAP_MODEL_HALF_H
#define HAP_MODEL_HALF_H

#include <stdint.h>

/* The value of a half's bits (IEEE 754), exact. */
float hap_half_value(uint16_t half);

#endif
