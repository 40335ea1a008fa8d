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
 * How the elements of a matrix row are stored. A row of a grouped dtype has a multiple of 32 elements.
 *   F32, F16, BF16  plain little-endian elements
 *   Q8_0            per 32 elements: f16 d, int8 q[32];   element i = d * q[i]                    (34 bytes)
 *   Q4_0            per 32 elements: f16 d, uint8 q[16];  element i     = d * ((q[i] & 15) - 8),
 *                                                         element i + 16 = d * ((q[i] >> 4) - 8)  (18 bytes)
 * The two dtypes below store a matrix whose *columns* were grouped in the file, transposed without loss: they hold
 * an FFN's down projection one neuron per row. Rows come in groups of 32 that share one scale per element:
 *   Q8_0_SHARED     per 32 rows: f16 d[dim], then 32 rows of int8 q[dim];  element i of a row = d[i] * q[i]
 *   Q4_0_SHARED     per 32 rows: f16 d[dim], then 32 rows of dim / 2 bytes, each row in pieces of 32 elements packed
 *                   as in Q4_0;  element i of a row = d[i] * (q[i] - 8)
 * In device memory a matrix of a grouped dtype holds the q of all rows first and then, row by row (for the shared
 * dtypes group by group), all d, in as many bytes: so rows of q are aligned (ci_cuda_arrange).
 */
enum ci_dtype { CI_F32 = 0, CI_F16 = 1, CI_BF16 = 2, CI_Q8_0 = 3, CI_Q4_0 = 4, CI_Q8_0_SHARED = 5, CI_Q4_0_SHARED = 6 };

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
  CI_DECODE_TOKENS = 16 /* the most tokens that functions of decode take at once */
};

/* An address as an integer: how a pointer is handed out across the JVM boundary. */
typedef int64_t ci_address;

/* Worker threads (CPU) or a device with its stream (CUDA), and their scratch memory. */
typedef struct ci_context ci_context;

#ifdef __cplusplus
}
#endif

#endif /* COREINFER_TYPES_H_ */
