/* The grids of ggml's IQ formats. */
#ifndef HAP_MODEL_DEQUANTISE_GRIDS_H
#define HAP_MODEL_DEQUANTISE_GRIDS_H

/* Row i: four hex digits from [i / 16][i % 16 * 4] on. */
extern const char *const hap_grid_iq2_xxs[], *const hap_grid_iq2_xs[], *const hap_grid_iq2_s[];
extern const char *const hap_grid_iq3_xxs[], *const hap_grid_iq3_s[], *const hap_grid_iq1_s[];

#endif
