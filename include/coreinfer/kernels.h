/*
 * Every function of a backend, in the order in which a token passes through a model.
 *
 * Conventions
 *   - All return an enum ci_status value. No function throws, aborts or keeps a pointer after it returns.
 *   - Matrices are row-major; shapes stand outermost first. Activations are F32; `weight` has the dtype named before
 * it.
 *   - All pointers are to the backend's memory (ci_memory_allocate of the same context, 64-byte aligned), except
 * results of type ci_address* and int64_t* and what is called `host`. On the CPU weights may also lie at any address
 * that is readable for the whole shape; on CUDA they are arranged by ci_cuda_arrange first.
 *   - What changes from token to token (ids, positions, neuron lists and their lengths) is read from memory, so that a
 *     recorded sequence of calls (a CUDA graph) serves every token. Its range is checked by the CPU backend only.
 *   - A CUDA context queues the work and returns; ci_context_synchronize, ci_memory_upload, ci_memory_download and the
 *     functions with an int64_t* result wait. A failure of queued work shows in the next call that waits.
 *   - A context may be shared by threads: calls on it run one after another. Nothing else is shared between calls.
 *   - Same input, same bits: results depend neither on the number of threads nor on earlier calls. Functions of decode
 *     give a token the same bits whatever tokens it is computed with; so do norms, rope and what stores or looks up.
 *   - Inputs and outputs never overlap unless the function says "in place".
 *   - Pointers marked `or NULL` may be null; all others are checked.
 *   - Sizes and counts are at least 1; only *core may be 0.
 */
#ifndef COREINFER_KERNELS_H_
#define COREINFER_KERNELS_H_

#include "coreinfer/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- context ---- */

/* Starts a context with `threads` workers (1..1024), the calling thread counted as one of them. */
int32_t ci_context_create(int32_t threads, ci_address* context);

/* Ends the context's threads and frees its scratch memory; memory from ci_memory_allocate stays valid. NULL is ignored.
 */
int32_t ci_context_destroy(ci_context* context);

/* Waits until everything queued so far is done; on the CPU that is always so. */
int32_t ci_context_synchronize(ci_context* context);

/* One line for people: backend, instruction set, threads. Valid until the context is destroyed. */
const char* ci_context_description(ci_context* context);

/* The sentence left by the calling thread's last failed call: what failed, with the offending values. Never NULL. */
const char* ci_error_message(void);

/* ---- memory ---- */

/* Allocates `bytes` (> 0) of zeroed memory, aligned to 64 bytes, in large pages where the system grants them. */
int32_t ci_memory_allocate(ci_context* context, int64_t bytes, ci_address* memory);

/* Frees memory of ci_memory_allocate; `bytes` is the size that was asked for. NULL is ignored. */
int32_t ci_memory_free(ci_context* context, void* memory, int64_t bytes);

/* Copies host memory to the backend's memory, complete on return. */
int32_t ci_memory_upload(ci_context* context, const void* host, int64_t bytes, void* memory);

/* Copies the backend's memory to host memory, complete on return. */
int32_t ci_memory_download(ci_context* context, const void* memory, int64_t bytes, void* host);

/* ---- embedding ---- */

/* y[t] = table[tokens[t]]. table (vocabulary, dim); tokens (count), each in 0..vocabulary-1; y (count, dim). */
int32_t ci_embedding_lookup(ci_context* context, int32_t dtype, const void* table, int32_t vocabulary, int32_t dim,
                            const int32_t* tokens, int32_t count, float* y);

/* y += x, in place. x, y (count). */
int32_t ci_add(ci_context* context, const float* x, int64_t count, float* y);

/* ---- norm ---- */

/* y[r] = x[r] / sqrt(mean(x[r]^2) + epsilon) * weight. x, y (rows, dim), may be the same; weight (dim). */
int32_t ci_rms_norm(ci_context* context, const float* x, const float* weight, int32_t rows, int32_t dim, float epsilon,
                    float* y);

/* y[r] = (x[r] - mean) / sqrt(variance + epsilon) * weight + bias. x, y (rows, dim), may be the same. */
int32_t ci_layer_norm(ci_context* context, const float* x, const float* weight, const float* bias, int32_t rows,
                      int32_t dim, float epsilon, float* y);

/* ---- matmul ---- */

/*
 * Decode: y = x weight^T + bias, or y += when `accumulate` is 1, for 1..CI_DECODE_TOKENS tokens.
 * weight (rows, columns); bias (rows) or NULL; x (tokens, columns); y (tokens, rows).
 */
int32_t ci_matvec(ci_context* context, int32_t dtype, const void* weight, const float* bias, const float* x,
                  int32_t tokens, int32_t rows, int32_t columns, int32_t accumulate, float* y);

/*
 * Prefill: y = x weight^T + bias, or y += when `accumulate` is 1. Weights are converted in tiles, never as a whole.
 * weight (rows, columns); bias (rows) or NULL; x (tokens, columns); y (tokens, rows).
 */
int32_t ci_matmul(ci_context* context, int32_t dtype, const void* weight, const float* bias, const float* x,
                  int32_t tokens, int32_t rows, int32_t columns, int32_t accumulate, float* y);

/*
 * The transposed product: y += x weight. weight (rows, columns) of any dtype; x (tokens, rows); y (tokens, columns).
 */
int32_t ci_matmul_transposed(ci_context* context, int32_t dtype, const void* weight, const float* x, int32_t tokens,
                             int32_t rows, int32_t columns, float* y);

/* ---- rope ---- */

/*
 * Rotates the first 2 * pairs elements of every head, in place; the rest stays. x (tokens, heads, head_dim).
 * rotations (positions, pairs, 2): cosine and sine for each position, scaled as the model wants; token t has position
 * *first_position + t. adjacent = 1 pairs elements 2 i and 2 i + 1 (GGUF's llama), 0 pairs i and i + pairs.
 */
int32_t ci_rope(ci_context* context, const float* rotations, int32_t positions, int32_t pairs, int32_t adjacent,
                int32_t tokens, int32_t heads, int32_t head_dim, const int32_t* first_position, float* x);

/* ---- attention ---- */

/*
 * Keys and values are cached in pages, of which `pages` lists the addresses: position p is in pages[p / CI_CACHE_PAGE].
 * A page is (2, kv_heads, CI_CACHE_PAGE, head_dim) of cache_dtype (F32 or F16), keys and then values, aligned to 64
 * bytes; several lists may name it. The list has an entry for every page up to `capacity` positions, but only those of
 * positions that are stored or seen must be valid.
 */

/*
 * Stores keys and values of `tokens` tokens at *first_position... keys, values (tokens, kv_heads, head_dim).
 */
int32_t ci_attention_append(ci_context* context, const float* keys, const float* values, int32_t tokens,
                            int32_t kv_heads, int32_t head_dim, const int32_t* first_position, int32_t capacity,
                            int32_t cache_dtype, const uint64_t* pages);

/*
 * Prefill: causal attention of `tokens` queries at *first_position.. over the cache, which already holds their own
 * keys. queries, y (tokens, heads, head_dim); heads is a multiple of kv_heads. Token p sees positions max(0, p - window
 * + 1)..p, all of 0..p when window is 0. Scores are scaled by `scale`, softmax in F32.
 */
int32_t ci_attention_prefill(ci_context* context, const float* queries, int32_t tokens, int32_t heads, int32_t kv_heads,
                             int32_t head_dim, const int32_t* first_position, int32_t window, float scale,
                             int32_t capacity, int32_t cache_dtype, const uint64_t* pages, float* y);

/* Decode: the same for 1..CI_DECODE_TOKENS tokens. */
int32_t ci_attention_decode(ci_context* context, const float* queries, int32_t tokens, int32_t heads, int32_t kv_heads,
                            int32_t head_dim, const int32_t* first_position, int32_t window, float scale,
                            int32_t capacity, int32_t cache_dtype, const uint64_t* pages, float* y);

/* ---- ffn ---- */

/*
 * Brings a down projection into neuron-major order without loss.
 * source (dim, neurons) of a dtype that is not shared; target (neurons, dim), as many bytes, of the same dtype if it
 * has plain elements, else of its shared form, Q8_0_SHARED for Q8_0 and so on (dim is then a multiple of 32).
 */
int32_t ci_ffn_transpose_down(ci_context* context, int32_t dtype, const void* source, int32_t neurons, int32_t dim,
                              void* target);

/*
 * Prefill, dense: activations = activation(gate x, up x) for all neurons, then y += activations down + down_bias.
 * gate (neurons, dim) or NULL for an ungated layer; up (neurons, dim), both of up_dtype; down (neurons, dim) of
 * down_dtype. gate_bias, up_bias (neurons) or NULL; down_bias (dim) or NULL. x, y (tokens, dim); activations (tokens,
 * neurons).
 */
int32_t ci_ffn_prefill(ci_context* context, int32_t activation, int32_t up_dtype, const void* gate, const void* up,
                       const float* gate_bias, const float* up_bias, int32_t down_dtype, const void* down,
                       const float* down_bias, const float* x, int32_t tokens, int32_t neurons, int32_t dim,
                       float* activations, float* y);

/*
 * Decode, for 1..CI_DECODE_TOKENS tokens: y += down_bias + the sum over the listed neurons, in list order, of
 * activation(gate x, up x) * down row. *core is the list's length, 0..neurons; core_ids (*core): strictly ascending
 * neuron numbers; NULL means 0..*core-1. Weights as in ci_ffn_prefill; x, y (tokens, dim); activations (tokens,
 * neurons), of which the first *core of each row receive the activation of each listed neuron. With every neuron listed
 * this is the dense FFN.
 * users (*core) or NULL: token t uses the listed neurons i of which bit t of users[i] is set, all of them when NULL. So
 * tokens with different lists share a pass over all their neurons, and each gets the bits that it gets alone with its
 * own list; activations is then scratch.
 */
int32_t ci_ffn_decode(ci_context* context, int32_t activation, int32_t up_dtype, const void* gate, const void* up,
                      const float* gate_bias, const float* up_bias, int32_t down_dtype, const void* down,
                      const float* down_bias, const float* x, int32_t tokens, const int32_t* core_ids,
                      const int32_t* core, const uint32_t* users, int32_t neurons, int32_t dim, float* activations,
                      float* y);

/* norms[n] = L2 norm of row n. weight (rows, columns) of any dtype; norms (rows). */
int32_t ci_ffn_row_norms(ci_context* context, int32_t dtype, const void* weight, int32_t rows, int32_t columns,
                         float* norms);

/* ---- score ---- */

/*
 * For each token, adds 1 to the score of its ceil(alpha * m) strongest candidates, ties to the lower number.
 * Candidates: the m neurons with a > 0, compared by a; with magnitude = 1, the m with a != 0, compared by |a|.
 * activations (tokens, neurons); scores (neurons); 0 < alpha <= 1 (arXiv 2410.18311, Eq. 1 and 2).
 */
int32_t ci_score_top_share(ci_context* context, const float* activations, int32_t tokens, int32_t neurons,
                           int32_t magnitude, double alpha, float* scores);

/* For each token, adds 1 to the score of the `limit` neurons with the largest signed a, ties to the lower number. */
int32_t ci_score_top_k(ci_context* context, const float* activations, int32_t tokens, int32_t neurons, int32_t limit,
                       float* scores);

/* *positives += the number of activations above 0. activations (count). */
int32_t ci_score_positives(ci_context* context, const float* activations, int64_t count, int64_t* positives);

/* scores[n] += the sum over tokens of a[n]^2, divided by the token's own sum of squares when normalize is 1. */
int32_t ci_score_energy(ci_context* context, const float* activations, int32_t tokens, int32_t neurons,
                        int32_t normalize, float* scores);

/*
 * Chooses the `count` neurons with the highest scores[n] * weights[n] (1..neurons), ties to the lower number; with
 * only_seen = 1 those without a product above 0 are left out, down to one neuron. A product that is NaN or not above 0
 * counts as 0. scores (neurons); weights (neurons) or NULL for 1; core_ids (count) receives ascending numbers, *core
 * how many they are.
 */
int32_t ci_score_select(ci_context* context, const float* scores, const float* weights, int32_t neurons, int32_t count,
                        int32_t only_seen, int32_t* core_ids, int32_t* core);

/*
 * scores[n] *= factor, in place, so that what was counted so far weighs less or more; 0 clears whatever was there.
 * scores (count); factor >= 0.
 */
int32_t ci_score_scale(ci_context* context, double factor, int64_t count, float* scores);

/*
 * *share = the sum of scores[n] * weights[n] over the neurons that are not listed, divided by the sum over all; 0 when
 * that is 0. A product that is NaN or not above 0 counts as 0. scores (neurons); weights (neurons) or NULL for 1;
 * core_ids (*core): strictly ascending neuron numbers, *core in 0..neurons.
 */
int32_t ci_score_outside(ci_context* context, const float* scores, const float* weights, int32_t neurons,
                         const int32_t* core_ids, const int32_t* core, float* share);

#ifdef __cplusplus
}
#endif

#endif /* COREINFER_KERNELS_H_ */
