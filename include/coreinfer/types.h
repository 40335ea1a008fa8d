/* Types shared by every backend: status codes, dtypes, activations, opaque handles. C99, no CUDA or C++ types. */
#ifndef COREINFER_TYPES_H_
#define COREINFER_TYPES_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a call returns. Anything but CI_OK leaves a sentence in ci_error_message() for the calling thread. */
enum ci_status {
  CI_OK = 0,
  CI_INVALID_ARGUMENT = 1, /* a null pointer, a size out of range, an unknown enum value */
  CI_OUT_OF_MEMORY = 2,    /* host or device memory; the context stays usable */
  CI_UNSUPPORTED = 3,      /* a combination that this backend does not compute */
  CI_IO_ERROR = 4,         /* the operating system refused a file operation */
  CI_DEVICE_ERROR = 5,     /* the device or its driver failed */
  CI_INTERNAL_ERROR = 6
};

/*
 * How the elements of a matrix row are stored. A row of a dtype with groups has a multiple of 32 elements, of the _K
 * dtypes a multiple of 256. The values of F16 scales, their products with integers, and the difference or sum are F32.
 *   F32, F16, BF16  plain little-endian elements
 *   Q8_0            per 32 elements: f16 d, int8 q[32];   element i = d * q[i]                    (34 bytes)
 *   Q4_0            per 32 elements: f16 d, uint8 q[16];  element i     = d * ((q[i] & 15) - 8),
 *                                                         element i + 16 = d * ((q[i] >> 4) - 8)  (18 bytes)
 *   Q4_1            per 32 elements: f16 d, f16 m, uint8 q[16];  d * code + m, codes 0..15 packed as in Q4_0 (20 bytes)
 *   Q5_0            per 32 elements: f16 d, uint32 h, uint8 q[16];  d * (code - 16): as in Q4_0, bit i of h is worth 16
 *                   in the code of element i                                                      (22 bytes)
 *   Q5_1            per 32 elements: f16 d, f16 m, uint32 h, uint8 q[16];  d * code + m           (24 bytes)
 *   Q4_K            per 256 elements: f16 d, f16 dmin, uint8 s[12], uint8 q[128];                 (144 bytes)
 *                   (d * scale) * code - dmin * min with a scale and a min for each 32 elements. Those of the first
 * four groups g are s[g] & 63 and s[g + 4] & 63; those of group g + 4 have the low 4 bits in the nibbles of s[g + 8],
 * scale first, and the high 2 in the top bits of s[g] and s[g + 4]. 32 bytes of q hold 64 elements, the first 32 in the
 * low nibbles. Q5_K            per 256 elements: f16 d, f16 dmin, uint8 s[12], uint8 h[32], uint8 q[128];    (176
 * bytes) as Q4_K; bit g of h[i] is worth 16 in the code of element i of group g Q6_K            per 256 elements: uint8
 * q[128], uint8 h[64], int8 s[16], f16 d;               (210 bytes) (d * s[i / 16]) * (code - 32). Of each 128
 * elements, 64 bytes of q hold the low 4 bits, the first 64 elements in the low nibbles, and 2 bits of each of 32 bytes
 * of h the high ones, the first 32 elements in the lowest. The dtypes below store a matrix whose *columns* were grouped
 * in the file, transposed without loss: they hold an FFN's down projection one neuron per row. Rows come in blocks of
 * 32, of the _K dtypes of 256, that share for each element what a group of the file has beside its codes: Q8_0_SHARED
 * per 32 rows: f16 d[dim], then 32 rows of int8 q[dim];  element i of a row = d[i] * q[i] Q4_0_SHARED     per 32 rows:
 * f16 d[dim], then 32 rows of dim / 2 bytes, each row in pieces of 32 elements packed as in Q4_0;  element i of a row =
 * d[i] * (q[i] - 8) Q4_1_SHARED     per 32 rows: f16 d[dim], f16 m[dim], then 32 rows as in Q4_0_SHARED Q5_0_SHARED per
 * 32 rows: f16 d[dim], then 32 rows in pieces of 32 elements: uint32 h, uint8 q[16] as in Q5_0 Q5_1_SHARED     per 32
 * rows: f16 d[dim], f16 m[dim], then 32 rows as in Q5_0_SHARED Q4_K_SHARED     per 256 rows: f16 d[dim], f16 dmin[dim],
 * uint8 s[12][dim], then 256 rows as in Q4_0_SHARED; a scale and a min for each 32 rows, in bits as in Q4_K Q5_K_SHARED
 * the same with rows as in Q5_0_SHARED Q6_K_SHARED     per 256 rows: f16 d[dim], int8 s[16][dim], then 256 rows in
 * pieces of 32 elements: uint8 q[16] as in Q4_0, uint8 h[8] with the high 2 bits of elements i, i + 8, i + 16 and i +
 * 24 in h[i], lowest first In device memory a matrix of Q8_0, Q4_0 or their shared forms holds the q of all rows first
 * and then, row by row (for the shared dtypes group by group), all d, in as many bytes: so rows of q are aligned
 * (ci_cuda_arrange). The dtypes behind Q4_0_SHARED are computed by the CPU backend only.
 */
enum ci_dtype {
  CI_F32 = 0,
  CI_F16 = 1,
  CI_BF16 = 2,
  CI_Q8_0 = 3,
  CI_Q4_0 = 4,
  CI_Q8_0_SHARED = 5,
  CI_Q4_0_SHARED = 6,
  CI_Q4_1 = 7,
  CI_Q5_0 = 8,
  CI_Q5_1 = 9,
  CI_Q4_K = 10,
  CI_Q5_K = 11,
  CI_Q6_K = 12,
  CI_Q4_1_SHARED = 13,
  CI_Q5_0_SHARED = 14,
  CI_Q5_1_SHARED = 15,
  CI_Q4_K_SHARED = 16,
  CI_Q5_K_SHARED = 17,
  CI_Q6_K_SHARED = 18
};

/* The activation a of a neuron from its gate g = gate x + gate_bias and u = up x + up_bias. Ungated layers have no g.
 */
enum ci_activation {
  CI_RELU = 0,  /* gated: max(g, 0) * u;               ungated: max(u, 0) */
  CI_SILU = 1,  /* gated: g / (1 + exp(-g)) * u;       ungated: u / (1 + exp(-u)) */
  CI_DRELU = 2, /* gated only: max(g, 0) * max(u, 0) */
  CI_GELU = 3   /* with the tanh approximation, z the gate or, ungated, u */
};

/* Limits of calls. */
enum ci_limit {
  CI_DECODE_TOKENS = 16, /* the most tokens that functions of decode take at once */
  CI_CACHE_PAGE = 256    /* the positions of a page of keys and values */
};

/* An address as an integer: how a pointer is handed out across the JVM boundary. */
typedef int64_t ci_address;

/* Worker threads (CPU) or a device with its stream (CUDA), and their scratch memory. */
typedef struct ci_context ci_context;

#ifdef __cplusplus
}
#endif

#endif /* COREINFER_TYPES_H_ */
