// CUDA's vector types and built-in variables.
#ifndef COREINFER_CUDA_HOST_VECTOR_TYPES_H_
#define COREINFER_CUDA_HOST_VECTOR_TYPES_H_

#define SIMT_VECTOR_TYPES(type, base, alignment2, alignment4)                 \
  struct alignas(alignment2) type##2 {                                        \
    base x, y;                                                                \
  };                                                                          \
  struct type##3 {                                                            \
    base x, y, z;                                                             \
  };                                                                          \
  struct alignas(alignment4) type##4 {                                        \
    base x, y, z, w;                                                          \
  };                                                                          \
  inline type##2 make_##type##2(base x, base y) { return {x, y}; }            \
  inline type##3 make_##type##3(base x, base y, base z) { return {x, y, z}; } \
  inline type##4 make_##type##4(base x, base y, base z, base w) { return {x, y, z, w}; }

SIMT_VECTOR_TYPES(char, signed char, 2, 4)
SIMT_VECTOR_TYPES(uchar, unsigned char, 2, 4)
SIMT_VECTOR_TYPES(short, short, 4, 8)
SIMT_VECTOR_TYPES(ushort, unsigned short, 4, 8)
SIMT_VECTOR_TYPES(int, int, 8, 16)
SIMT_VECTOR_TYPES(uint, unsigned int, 8, 16)
SIMT_VECTOR_TYPES(float, float, 8, 16)
SIMT_VECTOR_TYPES(double, double, 16, 16)
SIMT_VECTOR_TYPES(longlong, long long, 16, 16)
SIMT_VECTOR_TYPES(ulonglong, unsigned long long, 16, 16)
#undef SIMT_VECTOR_TYPES

struct dim3 {
  unsigned int x, y, z;

  constexpr dim3(unsigned int x_ = 1, unsigned int y_ = 1, unsigned int z_ = 1) : x(x_), y(y_), z(z_) {}
};

// Of the thread that runs. Kernels only read them.
extern uint3 threadIdx;
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;
constexpr int warpSize = 32;

#endif  // COREINFER_CUDA_HOST_VECTOR_TYPES_H_
