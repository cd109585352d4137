#include "model/half.h"

#include <string.h>
#ifdef __F16C__
#include <immintrin.h>
#else
static float float_of_bits(uint32_t bits)
{
        float value;

        memcpy(&value, &bits, sizeof(value));
        return value;
}
#endif

float hap_half_value(uint16_t half)
{
#ifdef __F16C__
        return _cvtsh_ss(half);
#else
        uint32_t sign = (uint32_t)(half & 0x8000) << 16;
        uint32_t exponent = half >> 10 & 31, fraction = half & 1023;

        if (exponent == 31)
                return float_of_bits(sign | 0x7f800000 | fraction << 13);
        if (exponent == 0) { /* fraction * 2^-24, exact in F32 */
                float value = (float)fraction * 0x1p-24f;

                return sign ? -value : value;
        }
        return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
#endif
}
