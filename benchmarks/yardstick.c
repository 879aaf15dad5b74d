/* An epoch of 784-30-10 in C, to which the kernels are compared. All sizes and functions of the network are constants.

   Vectors are GCC's (`vector_size`). A vector is as wide as a register of the processor for which GCC compiles, so that
   sums stay in registers. The weights of layer 0 have a row for each input, with 32 neurons, two of them padding. The
   weights of layer 1 are stored twice: with a row of 16 numbers for each hidden neuron, and transposed, with a row of
   32 numbers for each output. So neither the forward nor the backward product has to gather numbers, or to sum across a
   vector. The inputs are stored without their zeros. Targets are labels. A last, shorter mini-batch is left out. */
#include "subnormals.h"
#include <stdint.h>
#if defined __ARM_NEON
#include <arm_neon.h>
#elif defined __SSE2__
#include <immintrin.h>
#endif

/* SUMS: number of independent sums. An addition to a sum waits about four cycles for the previous addition to the sum,
   and a processor has two to four multipliers. Eight sums and their operands fit in the 16 registers of AVX2 and SSE2;
   16 sums and their operands fit in the 32 registers of NEON. */
#if defined __AVX512F__
#define BYTES 64
#define SUMS 8
#define NAME "16 numbers, AVX-512"
#define MINIMUM _mm512_min_ps
#define MAXIMUM _mm512_max_ps
#elif defined __AVX2__ && defined __FMA__
#define BYTES 32
#define SUMS 8
#define NAME "8 numbers, AVX2"
#define MINIMUM _mm256_min_ps
#define MAXIMUM _mm256_max_ps
#elif defined __ARM_NEON
#define BYTES 16
#define SUMS 16
#define NAME "4 numbers, NEON"
#define MINIMUM vminq_f32
#define MAXIMUM vmaxq_f32
#elif defined __SSE2__
#define BYTES 16
#define SUMS 8
#define NAME "4 numbers, SSE2"
#define MINIMUM _mm_min_ps
#define MAXIMUM _mm_max_ps
#else
#define BYTES 16
#define SUMS 8
#define NAME "4 numbers"
#define MINIMUM(a, b) pick(a < b, a, b)
#define MAXIMUM(a, b) pick(a > b, a, b)
#endif

typedef float vector __attribute__((vector_size(BYTES)));
typedef int32_t integers __attribute__((vector_size(BYTES)));
enum { NEURONS = 30, OUTPUTS = 10, HIDDEN = 32, OUT = 16, LARGEST_BATCH = 64, AHEAD = 12 };
/* H, O: number of vectors in a row of layer 0 and of layer 1. O does not count vectors that contain only padding. */
enum { LANES = BYTES / 4, H = HIDDEN / LANES, O = (OUTPUTS + LANES - 1) / LANES };
/* Numbers of terms that are added in parallel, each to its own sums, so that additions do not wait for one another. */
enum { INPUTS_AT_ONCE = SUMS / H, NEURONS_AT_ONCE = SUMS / O < 4 ? 2 : 4, OUTPUTS_AT_ONCE = SUMS / H < 2 ? 1 : 2 };

#define EACH(i, n) _Pragma("GCC unroll 8") for (int i = 0; i < n; i++) /* keeps arrays of vectors in registers */

const char *vectors(void) { return NAME; }

static inline vector load(const float *p) { return *(const vector *)p; }
static inline void store(float *p, vector v) { *(vector *)p = v; }


static inline vector pick(integers where, vector yes, vector no) {
  return (vector)((where & (integers)yes) | (~where & (integers)no));
}

static inline vector sigmoid(vector z) { /* exp(-z) = 2^n 2^r, with the Taylor series of 2^r, |r| <= 1/2 */
  const vector shift = (vector){0} + 12582912.f, largest = (vector){0} + 87.f; /* 1.5 * 2^23: the last bits are n */
  const vector x = MAXIMUM(MINIMUM(z, largest), -largest) * -1.44269504f;
  const vector n = x + shift, r = x - (n - shift);
  vector e = 1.5403530e-4f * r + 1.3333558e-3f;
  e = e * r + 9.6181291e-3f;
  e = e * r + 5.5504109e-2f;
  e = e * r + 2.4022651e-1f;
  e = e * r + 6.9314718e-1f;
  e = e * r + 1;
  return 1 / (1 + e * (vector)(((integers)n + 127) << 23));
}

static inline void expect(const int64_t *starts, const uint16_t *columns, const float *values, int64_t i) {
  for (int64_t p = starts[i]; p < starts[i + 1]; p += 16) __builtin_prefetch(values + p);
  for (int64_t p = starts[i]; p < starts[i + 1]; p += 32) __builtin_prefetch(columns + p);
}

void epoch(const int64_t *starts, const uint16_t *columns, const float *values, const uint8_t *labels,
           const int64_t *order, int64_t n, int m, float eta, float *w0, float *b0, float *w1, float *w1t, float *b1) {
  const uint64_t before = count_as_zero();
  float a[LARGEST_BATCH][HIDDEN] __attribute__((aligned(64)));
  float d0[LARGEST_BATCH][HIDDEN] __attribute__((aligned(64)));
  float d1[LARGEST_BATCH][OUT] __attribute__((aligned(64)));
  vector hidden_ones[H], output_ones[O]; /* 0 in the padding */
  integers places[O];
  for (int j = 0; j < H * LANES; j++) hidden_ones[j / LANES][j % LANES] = j < NEURONS;
  for (int k = 0; k < O * LANES; k++) {
    output_ones[k / LANES][k % LANES] = k < OUTPUTS;
    places[k / LANES][k % LANES] = k;
  }
  const float scale = eta / m;

  for (int64_t first = 0; first + m <= n; first += m) {
    for (int s = 0; s < m; s++) {
      if (first + s + AHEAD < n) expect(starts, columns, values, order[first + s + AHEAD]);
      const int64_t i = order[first + s], stop = starts[i + 1];
      int64_t p = starts[i];
      vector z[INPUTS_AT_ONCE][H] = {{{0}}};
      EACH(q, H) z[0][q] = load(b0 + q * LANES);
      for (; p + INPUTS_AT_ONCE <= stop; p += INPUTS_AT_ONCE) {
        EACH(u, INPUTS_AT_ONCE) {
          const float *w = w0 + HIDDEN * columns[p + u];
          EACH(q, H) z[u][q] += values[p + u] * load(w + q * LANES);
        }
      }
      for (; p < stop; p++) {
        const float *w = w0 + HIDDEN * columns[p];
        EACH(q, H) z[0][q] += values[p] * load(w + q * LANES);
      }
      vector h[H];
      EACH(q, H) {
        EACH(u, INPUTS_AT_ONCE - 1) z[0][q] += z[u + 1][q];
        h[q] = hidden_ones[q] * sigmoid(z[0][q]);
        store(a[s] + q * LANES, h[q]);
      }
      vector o[NEURONS_AT_ONCE][O] = {{{0}}};
      EACH(q, O) o[0][q] = load(b1 + q * LANES);
      for (int j = 0; j < HIDDEN; j += NEURONS_AT_ONCE) {
        EACH(u, NEURONS_AT_ONCE) {
          EACH(q, O) o[u][q] += a[s][j + u] * load(w1 + OUT * (j + u) + q * LANES);
        }
      }
      EACH(q, O) {
        EACH(u, NEURONS_AT_ONCE - 1) o[0][q] += o[u + 1][q];
        const vector output = sigmoid(o[0][q]);
        const vector y = pick(places[q] == labels[i], output_ones[q], (vector){0});
        store(d1[s] + q * LANES, output_ones[q] * (scale * (y - output)) * (output * (1 - output)));
      }
      vector back[OUTPUTS_AT_ONCE][H] = {{{0}}};
      for (int k = 0; k < OUTPUTS; k += OUTPUTS_AT_ONCE) {
        EACH(u, OUTPUTS_AT_ONCE) {
          EACH(q, H) back[u][q] += d1[s][k + u] * load(w1t + HIDDEN * (k + u) + q * LANES);
        }
      }
      EACH(q, H) {
        EACH(u, OUTPUTS_AT_ONCE - 1) back[0][q] += back[u + 1][q];
        store(d0[s] + q * LANES, back[0][q] * (h[q] * (1 - h[q])));
      }
    }
    vector b[H], c[O];
    EACH(q, H) b[q] = load(b0 + q * LANES);
    EACH(q, O) c[q] = load(b1 + q * LANES);
    for (int s = 0; s < m; s++) {
      const int64_t i = order[first + s], stop = starts[i + 1];
      vector d[H];
      EACH(q, H) d[q] = load(d0[s] + q * LANES);
      int64_t p = starts[i];
      for (; p + 2 <= stop; p += 2) { /* two different inputs: the weights of both are loaded before they are stored */
        float *w = w0 + HIDDEN * columns[p], *v = w0 + HIDDEN * columns[p + 1];
        vector w_q[H], v_q[H];
        EACH(q, H) w_q[q] = load(w + q * LANES) + values[p] * d[q];
        EACH(q, H) v_q[q] = load(v + q * LANES) + values[p + 1] * d[q];
        EACH(q, H) store(w + q * LANES, w_q[q]);
        EACH(q, H) store(v + q * LANES, v_q[q]);
      }
      if (p < stop) {
        float *w = w0 + HIDDEN * columns[p];
        EACH(q, H) store(w + q * LANES, load(w + q * LANES) + values[p] * d[q]);
      }
      EACH(q, H) b[q] += d[q];
      EACH(q, O) c[q] += load(d1[s] + q * LANES);
    }
    EACH(q, H) store(b0 + q * LANES, b[q]);
    EACH(q, O) store(b1 + q * LANES, c[q]);
    for (int j = 0; j < NEURONS; j++) {
      float *w = w1 + OUT * j;
      vector even[O], odd[O] = {{0}};
      EACH(q, O) even[q] = load(w + q * LANES);
      int s = 0;
      for (; s + 2 <= m; s += 2) {
        EACH(q, O) even[q] += a[s][j] * load(d1[s] + q * LANES);
        EACH(q, O) odd[q] += a[s + 1][j] * load(d1[s + 1] + q * LANES);
      }
      if (s < m) EACH(q, O) even[q] += a[s][j] * load(d1[s] + q * LANES);
      EACH(q, O) store(w + q * LANES, even[q] + odd[q]);
    }
    for (int k = 0; k < OUTPUTS; k++) {
      float *w = w1t + HIDDEN * k;
      vector w_q[H];
      EACH(q, H) w_q[q] = load(w + q * LANES);
      for (int s = 0; s < m; s++) EACH(q, H) w_q[q] += d1[s][k] * load(a[s] + q * LANES);
      EACH(q, H) store(w + q * LANES, w_q[q]);
    }
  }
  put_back(before);
}
