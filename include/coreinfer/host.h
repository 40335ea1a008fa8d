/* What only the CPU library offers: mapped files, facts about the processor, the BLAS used by its prefill. */
#ifndef COREINFER_HOST_H_
#define COREINFER_HOST_H_

#include "coreinfer/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * ci_context_create with a choice of how exactly vectors are multiplied. For quantised weights they are rounded, in
 * groups of 32, to integers that keep at least `activation_bits` bits of the group's largest element: 16, as
 * ci_context_create has it, or 8, which is as exact as llama.cpp and takes half of the arithmetic. Where a processor
 * has no products of bytes they are not rounded. Packs suit either. For other weights they are as they are.
 * ci_matmul, ci_matmul_transposed and ci_ffn_prefill over a depth of 128 and more differ where a processor multiplies
 * bfloat16. On matrix registers ("amx") they keep 16 bits of vectors and of weights that have more than 8; with 8 bits
 * both are rounded to bfloat16, but for F32. In vectors ("avx512bf16") F16 and BF16 weights and their vectors are
 * rounded so with 8 bits.
 */
int32_t ci_host_context_create(int32_t threads, int32_t activation_bits, ci_address* context);

/* Maps a whole regular file read-only. path: UTF-8, ending in 0. bytes receives its size (> 0). */
int32_t ci_host_map(const uint8_t* path, ci_address* memory, int64_t* bytes);

/* Ends a mapping of ci_host_map. */
int32_t ci_host_unmap(void* memory, int64_t bytes);

/*
 * Brings a part of a mapping into memory and waits for it where the system can (Linux 5.14), else asks for it. What
 * cannot be read is passed over: whoever reads it will know.
 */
int32_t ci_host_read_ahead(const void* memory, int64_t bytes);

/*
 * Rows that decoding reads for every token, copied in the order in which it reads them. *bytes = what `capacity` listed
 * rows of one matrix, or of each of two of the same shape, take at most; 0 where rows of the dtype are not packed,
 * which depends on the processor. Of the shared dtypes, whose rows count neurons, one matrix is packed alone.
 */
int32_t ci_host_packed_bytes(ci_context* context, int32_t dtype, int32_t matrices, int32_t rows, int32_t columns,
                             int32_t capacity, int64_t* bytes);

/*
 * Packs the listed rows of a matrix, and the same ones of another that is read along with it: up beside gate. weight,
 * beside (rows, columns), the second or NULL; core_ids (*core): row numbers, strictly ascending for the shared dtypes
 * and in any order for the others, or NULL for the first ones; packed: memory of ci_memory_allocate for as many rows.
 */
int32_t ci_host_pack(ci_context* context, int32_t dtype, const void* weight, const void* beside, int32_t rows,
                     int32_t columns, const int32_t* core_ids, const int32_t* core, void* packed);

/*
 * ci_ffn_decode over packs of the same list, with the same bits. packed_up: gate with up beside it, or up alone where
 * there is no gate; its row i belongs to entry packed_order[i] of the list (NULL: to entry i), so that rows which the
 * same tokens use can stand together. packed_up or packed_down, which is of a shared dtype, may be NULL: then, and for
 * vectors that cannot be rounded as packs need it, the weights themselves are read. With RELU and DRELU packed_up is of
 * no use, since rows are skipped there.
 */
int32_t ci_host_ffn_decode_packed(ci_context* context, int32_t activation, int32_t up_dtype, const void* gate,
                                  const void* up, const float* gate_bias, const float* up_bias, int32_t down_dtype,
                                  const void* down, const float* down_bias, const void* packed_up,
                                  const int32_t* packed_order, const void* packed_down, const float* x, int32_t tokens,
                                  const int32_t* core_ids, const int32_t* core, const uint32_t* users, int32_t neurons,
                                  int32_t dim, float* activations, float* y);

/*
 * ci_matvec over packs of all rows in their order, with the same bits. Where a vector cannot be rounded as packs need
 * it, the weight itself is read.
 */
int32_t ci_host_matvec_packed(ci_context* context, int32_t dtype, const void* weight, const void* packed,
                              const float* bias, const float* x, int32_t tokens, int32_t rows, int32_t columns,
                              int32_t accumulate, float* y);

/*
 * ci_host_matvec_packed for a layer's query (query_rows, columns), key and value (kv_rows, columns) at once, which are
 * of one dtype: threads that are done with one go on with the next. Results: (tokens, query_rows) and (tokens,
 * kv_rows).
 */
int32_t ci_host_attention_inputs_packed(ci_context* context, int32_t dtype, const void* query, const void* packed_query,
                                        const float* query_bias, int32_t query_rows, const void* key,
                                        const void* packed_key, const float* key_bias, const void* value,
                                        const void* packed_value, const float* value_bias, int32_t kv_rows,
                                        const float* x, int32_t tokens, int32_t columns, float* query_out,
                                        float* key_out, float* value_out);

/*
 * Gives ci_matmul and ci_ffn_prefill the sgemm of the OpenBLAS library at `path` (UTF-8, ending in 0) for the rest of
 * the process, for processors without matrix registers. Without it they use plain kernels of their own. Call before the
 * first context exists.
 */
int32_t ci_host_use_blas(const uint8_t* path);

/*
 * The best instruction set of this processor that kernels exist for: "amx", "avx512bf16", "avx512vnni", "avx512",
 * "avxvnni", "avx2" or "portable".
 */
const char* ci_host_instruction_set(void);

#ifdef __cplusplus
}
#endif

#endif /* COREINFER_HOST_H_ */
