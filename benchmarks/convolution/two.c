/* An epoch of the book's network with two convolutions. All sizes and functions of the network are constants.

   28 x 28 pixels; 20 filters of 5 x 5, max-pooling of 2 x 2; 40 filters of 20 x 5 x 5, max-pooling of 2 x 2; 100
   neurons; ReLU in all these layers; softmax; L2 regularization; mini-batches of ten; one thread, AVX2.

   The first convolution is that of `one.c`. The second convolution's inputs are stored position by position, 20 numbers
   each. So the inputs of a row of taps are 100 contiguous numbers; each number is multiplied by its taps in the 40
   filters. In the backward pass, only one of the four positions of a window has an error, and only if the activation is
   not 0: about 300 of 2560 positions in a sample. These errors are stored in two lists: by filter, to change the
   filter's 500 weights; and by position, to compute the errors of the layer below. Both computations use a transposed
   copy of the weights, in which each filter's 500 weights are stored together. */
#define ACTIVATE relu
#include "common.h"

enum {
  F2 = 40, OUT2 = 4, WINDOWS2 = OUT2 * OUT2, UNITS2 = WINDOWS2 * F2, ROW2 = UNITS2 + 16, V2 = F2 / L,
  TAP_ROW = 5 * F1, TAP_PADDED = 104, K2 = 5 * TAP_ROW, PANELS = UNITS2 / PANEL, HIDDEN = 100, H = 104, CHUNK = 8,
  LINE = OUT1 * F1, MOST = M * WINDOWS2,
};

static struct {
  float act2[M][ROW2] ALIGNED, delta2[M][ROW2] ALIGNED;
  int32_t place2[M][WINDOWS2][L] ALIGNED;
  float conv2[M * WINDOWS2][4][F2] ALIGNED;
  float value[F2][MOST]; /* each filter's nonzero errors; `patch` has the offsets of the errors' patches in act1 */
  int32_t patch[F2][MOST];
  int n[F2];
  float sums[AT_ONCE * M * L] ALIGNED;
  float z3[M][H] ALIGNED, d3[M][H] ALIGNED;
} work;

/* Add the products of inputs and a row of taps to a window's sums: N vectors of filters at each of its 4 positions. */
#define ADD_TAPS(NAME, N) \
  INLINE void NAME(const float *x, const float *w, float *z, int first) { \
    vec a[4][N]; \
    for (int q = 0; q < 4; q++) \
      for (int v = 0; v < N; v++) a[q][v] = first ? all(0) : load(z + q * F2 + v * L); \
    for (int k = 0; k < TAP_ROW; k++) { \
      vec w_k[N]; \
      for (int v = 0; v < N; v++) w_k[v] = held(load(w + k * F2 + v * L)); \
      for (int q = 0; q < 4; q++) { \
        const vec x_q = held(from(x + (q >> 1) * LINE + (q & 1) * F1 + k)); \
        for (int v = 0; v < N; v++) a[q][v] = fma_(x_q, w_k[v], a[q][v]); \
      } \
    } \
    for (int q = 0; q < 4; q++) \
      for (int v = 0; v < N; v++) store(z + q * F2 + v * L, a[q][v]); \
  }
ADD_TAPS(add_three, 3)
ADD_TAPS(add_two, 2)

static void conv2_forward(const float *w2 /* [500][40] */, const float *b2) {
  for (int ti = 0; ti < 5; ti++)
    for (int s = 0; s < M; s++)
      for (int w = 0; w < WINDOWS2; w++) {
        const float *x = layer1.act1[s] + (2 * (w / OUT2) + ti) * LINE + 2 * (w % OUT2) * F1;
        const float *w_t = w2 + ti * TAP_ROW * F2;
        float *z = work.conv2[s * WINDOWS2 + w][0];
        if (ti) add_three(x, w_t, z, 0), add_two(x, w_t + 3 * L, z + 3 * L, 0);
        else add_three(x, w_t, z, 1), add_two(x, w_t + 3 * L, z + 3 * L, 1);
      }
  for (int s = 0; s < M; s++)
    for (int w = 0; w < WINDOWS2; w++) {
      const float *z = work.conv2[s * WINDOWS2 + w][0];
      __m256i places = _mm256_setzero_si256();
      for (int v = 0; v < V2; v++) {
        const float *z_v = z + v * L;
        const vec largest = pool(load(z_v), load(z_v + F2), load(z_v + 2 * F2), load(z_v + 3 * F2), v, &places);
        store(work.act2[s] + w * F2 + v * L, relu(largest + load(b2 + v * L)));
      }
      _mm256_store_si256((__m256i *)work.place2[s][w], places);
    }
}


/* List the nonzero errors by filter, in `work`, and by position. At each position, the products of the listed errors
   and their filters are added to the errors of layer 1. Change the biases. */
static void conv2_back(const float *w2t /* [40][5][104] */, float *b2) {
  vec b[V2];
  for (int v = 0; v < V2; v++) b[v] = all(0);
  memset(work.n, 0, sizeof work.n);
  memset(layer1.delta1, 0, sizeof layer1.delta1);
  for (int s = 0; s < M; s++)
    for (int w = 0; w < WINDOWS2; w++) {
      const float *d = work.delta2[s] + w * F2;
      const int corner = s * ROW1 + 2 * (w / OUT2) * LINE + 2 * (w % OUT2) * F1;
      uint64_t bits = 0;
      float value[4][F2];
      int filter[4][F2], n[4] = {0, 0, 0, 0};
      for (int v = 0; v < V2; v++) {
        const vec x = load(d + v * L);
        bits |= (uint64_t)_mm256_movemask_ps(_mm256_cmp_ps(x, all(0), _CMP_NEQ_UQ)) << v * L;
        b[v] = b[v] + x;
      }
      for (; bits; bits &= bits - 1) {
        const int f = __builtin_ctzll(bits), q = work.place2[s][w][f % L] >> 2 * (f / L) & 3;
        const int k = work.n[f]++, i = n[q]++;
        work.value[f][k] = value[q][i] = d[f];
        work.patch[f][k] = corner + (q >> 1) * LINE + (q & 1) * F1;
        filter[q][i] = f * 5 * TAP_PADDED;
      }
      for (int q = 0; q < 4; q++)
        if (n[q])
          for (int ti = 0; ti < 5; ti++) {
            float *to = layer1.delta1[0] + corner + ((q >> 1) + ti) * LINE + (q & 1) * F1;
            vec a[13];
#pragma GCC unroll 13
            for (int v = 0; v < 13; v++) a[v] = load(to + v * L);
            for (int i = 0; i < n[q]; i++) {
              const float *from_ = w2t + filter[q][i] + ti * TAP_PADDED;
              const vec x = held(from(&value[q][i]));
#pragma GCC unroll 13
              for (int v = 0; v < 13; v++) a[v] = fma_(x, load(from_ + v * L), a[v]);
            }
#pragma GCC unroll 13
            for (int v = 0; v < 13; v++) store(to + v * L, a[v]); /* four numbers beyond the row stay unchanged */
          }
    }
  for (int v = 0; v < V2; v++) store(b2 + v * L, load(b2 + v * L) + b[v]);
}

static void conv2_change(float *w2, float *w2t, float shrink) {
  for (int f = 0; f < F2; f++)
    for (int ti = 0; ti < 5; ti++) {
      vec a[13];
#pragma GCC unroll 13
      for (int v = 0; v < 13; v++) a[v] = all(0);
      for (int k = 0; k < work.n[f]; k++) {
        const float *x = layer1.act1[0] + work.patch[f][k] + ti * LINE;
        const vec d = held(from(&work.value[f][k]));
#pragma GCC unroll 13
        for (int v = 0; v < 13; v++) a[v] = fma_(d, load(x + v * L), a[v]);
      }
      float *to = w2t + (f * 5 + ti) * TAP_PADDED;
#pragma GCC unroll 12
      for (int v = 0; v < 12; v++) store(to + v * L, all(shrink) * load(to + v * L) + a[v]);
      _mm_store_ps(to + 96, _mm_set1_ps(shrink) * _mm_load_ps(to + 96) + _mm256_castps256_ps128(a[12]));
    }
  for (int f = 0; f < F2; f += L)
    for (int ti = 0; ti < 5; ti++)
      for (int k = 0; k < TAP_PADDED; k += L) {
        vec r[L], p[L], q[L];
        for (int i = 0; i < L; i++) r[i] = load(w2t + ((f + i) * 5 + ti) * TAP_PADDED + k);
        for (int i = 0; i < L; i += 2) p[i] = _mm256_unpacklo_ps(r[i], r[i + 1]), p[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
        for (int i = 0; i < L; i += 4)
          for (int h = 0; h < 2; h++) {
            q[i + 2 * h] = _mm256_shuffle_ps(p[i + h], p[i + h + 2], 0x44);
            q[i + 2 * h + 1] = _mm256_shuffle_ps(p[i + h], p[i + h + 2], 0xEE);
          }
        for (int i = 0; i < L; i++) {
          const vec out = i < 4 ? _mm256_permute2f128_ps(q[i], q[i + 4], 0x20) : _mm256_permute2f128_ps(q[i - 4], q[i], 0x31);
          if (k + i < TAP_ROW) store(w2 + (ti * TAP_ROW + k + i) * F2 + f, out);
        }
      }
}

/* images [n][784]; w1 [25][24], b1 [24]; w2 [500][40], w2t [40][5][104], b2 [40]; w3 [40][100][16], b3 [104]; w4
   [100][16], w4t [10][104], b4 [16]. */
void epoch(const float *images, const uint8_t *labels, int64_t n, float eta, float shrink, float *w1, float *b1,
           float *w2, float *w2t, float *b2, float *w3, float *b3, float *w4, float *w4t, float *b4) {
  const uint64_t before = count_as_zero();
  for (int64_t first = 0; first + M <= n; first += M) {
    float spread[36 * 4 * F] ALIGNED;
    spread_filters(w1, spread);
    for (int s = 0; s < M; s++) conv1_forward(images + (first + s) * SIDE * SIDE, spread, b1, s);
    conv2_forward(w2, b2);
    dense_forward(work.act2[0], ROW2, PANELS, CHUNK, w3, HIDDEN, work.sums, work.z3[0], H);
    for (int s = 0; s < M; s++)
      for (int k = 0; k < H; k += L) store(work.z3[s] + k, relu(load(work.z3[s] + k) + load(b3 + k)));
    softmax_layer(work.z3[0], H, HIDDEN, w4, w4t, b4, labels + first, -eta / M, shrink, work.d3[0]);
    for (int k = 0; k < H; k += L) {
      vec b = all(0);
      for (int s = 0; s < M; s++) {
        const vec a = load(work.z3[s] + k);
        const vec d = _mm256_and_ps(load(work.d3[s] + k), _mm256_cmp_ps(a, all(0), _CMP_GT_OQ));
        store(work.d3[s] + k, d);
        b = b + d;
      }
      store(b3 + k, load(b3 + k) + b);
    }
    for (int p = 0; p < PANELS; p++) {
      float *w = w3 + p * HIDDEN * PANEL;
      vec e[M][2];
      dense_back(work.d3[0], H, w, HIDDEN, e);
      for (int s = 0; s < M; s++)
        for (int h = 0; h < 2; h++) {
          const vec a = load(work.act2[s] + p * PANEL + h * L);
          store(work.delta2[s] + p * PANEL + h * L, _mm256_and_ps(e[s][h], _mm256_cmp_ps(a, all(0), _CMP_GT_OQ)));
        }
      dense_change(work.d3[0], H, work.act2[0] + p * PANEL, ROW2, w, HIDDEN, shrink);
    }
    conv2_back(w2t, b2);
    conv2_change(w2, w2t, shrink);
    for (int s = 0; s < M; s++)
      for (int i = 0; i < UNITS1; i += L) {
        const vec a = load(layer1.act1[s] + i), d = load(layer1.delta1[s] + i);
        store(layer1.delta1[s] + i, _mm256_and_ps(d, _mm256_cmp_ps(a, all(0), _CMP_GT_OQ)));
      }
    for (int s = 0; s < M; s++) make_blocks(images + (first + s) * SIDE * SIDE, s);
    conv1_change(w1, b1, shrink);
  }
  put_back(before);
}

/* The outputs of n images before softmax, as [n][16], to measure the accuracy; n is a multiple of M. */
void outputs(const float *images, int64_t n, const float *w1, const float *b1, const float *w2, const float *b2,
             const float *w3, const float *b3, const float *w4, const float *b4, float *out) {
  float spread[36 * 4 * F] ALIGNED;
  spread_filters(w1, spread);
  for (int64_t first = 0; first + M <= n; first += M) {
    for (int s = 0; s < M; s++) conv1_forward(images + (first + s) * SIDE * SIDE, spread, b1, s);
    conv2_forward(w2, b2);
    dense_forward(work.act2[0], ROW2, PANELS, CHUNK, w3, HIDDEN, work.sums, work.z3[0], H);
    for (int s = 0; s < M; s++) {
      for (int k = 0; k < H; k += L) store(work.z3[s] + k, relu(load(work.z3[s] + k) + load(b3 + k)));
      vec z[2] = {load(b4), load(b4 + L)};
      for (int j = 0; j < HIDDEN; j++)
        for (int h = 0; h < 2; h++) z[h] = fma_(from(work.z3[s] + j), load(w4 + j * 16 + h * L), z[h]);
      for (int h = 0; h < 2; h++) store(out + (first + s) * 16 + h * L, z[h]);
    }
  }
}
