/* What only the CPU library offers: mapped files, facts about the processor, the BLAS used by its prefill. */
#ifndef COREINFER_HOST_H_
#define COREINFER_HOST_H_

#include "coreinfer/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Maps a whole regular file read-only. path: UTF-8, ending in 0. bytes receives its size (> 0). */
int32_t ci_host_map(const uint8_t* path, ci_address* memory, int64_t* bytes);

/* Ends a mapping of ci_host_map. */
int32_t ci_host_unmap(void* memory, int64_t bytes);

/* Tells the system that a part of a mapping will be read soon (soon = 1) or no more (soon = 0); errors are harmless. */
int32_t ci_host_advise(const void* memory, int64_t bytes, int32_t soon);

/*
 * Gives ci_matmul and ci_ffn_prefill the sgemm of the OpenBLAS library at `path` (UTF-8, ending in 0) for the rest of
 * the process, for processors without matrix registers. Without it they use plain kernels of their own. Call before the
 * first context exists.
 */
int32_t ci_host_use_blas(const uint8_t* path);

/*
 * The best instruction set of this processor that kernels exist for: "amx", "avx512vnni", "avx512", "avx2" or
 * "portable".
 */
const char* ci_host_instruction_set(void);

#ifdef __cplusplus
}
#endif

#endif /* COREINFER_HOST_H_ */
