/* Flushes subnormal numbers to zero, as the kernels do, because some processors are slow with subnormal numbers. */
#include <stdint.h>
#if defined __SSE2__
#include <immintrin.h>
static inline uint64_t count_as_zero(void) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040);
  return before;
}
static inline void put_back(uint64_t before) { _mm_setcsr((unsigned)before); }
#elif defined __aarch64__
static inline uint64_t count_as_zero(void) {
  uint64_t before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  __asm__ volatile("msr fpcr, %0" : : "r"(before | 1 << 24));
  return before;
}
static inline void put_back(uint64_t before) { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }
#else
static inline uint64_t count_as_zero(void) { return 0; }
static inline void put_back(uint64_t before) { (void)before; }
#endif
