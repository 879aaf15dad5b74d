/* Code that `one.c` and `two.c` share: vectors of eight floats, sigmoid, softmax, dense layers, the first convolution.

   A dense layer's weights are in panels of 16 inputs, with a row for each output: [n_in / 16][n_out][16]. Forward, each
   output is a dot product, whose eight partial sums stay in a vector until all panels are done. Backward, a panel is
   read once: the errors of its inputs are computed, and then its weights are changed. */
#include "../subnormals.h"
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define ALIGNED __attribute__((aligned(64)))

typedef __m256 vec;
enum { L = 8, PANEL = 16, M = 10 /* samples in a mini-batch */, CLASSES = 10 };

INLINE vec load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void store(float *p, vec v) { _mm256_storeu_ps(p, v); }
INLINE vec all(float x) { return _mm256_set1_ps(x); }
INLINE vec from(const float *p) { return _mm256_broadcast_ss(p); }
/* Keeps a vector in a register. Otherwise, GCC would load the vector again for a second use. */
INLINE vec held(vec v) {
  __asm__("" : "+x"(v));
  return v;
}
INLINE vec fma_(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }

INLINE vec exp_(vec x) { /* |x| at most 87 */
  const vec shift = all(12582912.f); /* 1.5 * 2^23: adding it rounds to an integer, which is then in the last bits */
  vec whole = fma_(x, all(1.44269504f), shift), n = whole - shift;
  vec r = fma_(n, all(-1.42860677e-6f), fma_(n, all(-0.693145752f), x));
  vec e = fma_(r, all(1 / 720.f), all(1 / 120.f));
  e = fma_(r, e, all(1 / 24.f));
  e = fma_(r, e, all(1 / 6.f));
  e = fma_(r, e, all(.5f));
  e = fma_(r, e, all(1));
  e = fma_(r, e, all(1));
  __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_castps_si256(whole), _mm256_set1_epi32(127)), 23);
  return e * _mm256_castsi256_ps(power);
}

INLINE vec sigmoid(vec z) {
  vec x = _mm256_max_ps(_mm256_min_ps(all(0) - z, all(87)), all(-87));
  return all(1) / (all(1) + exp_(x));
}

INLINE vec relu(vec z) { return _mm256_max_ps(z, all(0)); }

INLINE vec sums_of(const vec *v) { /* the sum of the numbers of each of eight vectors */
  vec a[4], b[2];
  for (int i = 0; i < 4; i++) {
    vec lo = _mm256_unpacklo_ps(v[2 * i], v[2 * i + 1]), hi = _mm256_unpackhi_ps(v[2 * i], v[2 * i + 1]);
    a[i] = lo + hi; /* 0 1 0 1 | 0 1 0 1 */
  }
  for (int i = 0; i < 2; i++) {
    vec lo = _mm256_shuffle_ps(a[2 * i], a[2 * i + 1], 0x44), hi = _mm256_shuffle_ps(a[2 * i], a[2 * i + 1], 0xEE);
    b[i] = lo + hi; /* 0 1 2 3 | 0 1 2 3 */
  }
  return _mm256_permute2f128_ps(b[0], b[1], 0x20) + _mm256_permute2f128_ps(b[0], b[1], 0x31);
}

/* z[s][k] = sum of x[s] w[k], for samples s < M and k < outputs (a multiple of 2); x has rows of x_stride numbers.
   AT_ONCE outputs are computed together. Panels are added in groups of at_a_time; between groups, the outputs' partial
   sums are stored in `sums`, which fits into a cache. */
enum { AT_ONCE = 100 };
INLINE void dense_forward(const float *x, int x_stride, int panels, int at_a_time, const float *w, int outputs,
                          float *sums /* [AT_ONCE][M][L] */, float *z, int z_stride) {
  for (int from_k = 0; from_k < outputs; from_k += AT_ONCE) {
    const int ks = outputs - from_k < AT_ONCE ? outputs - from_k : AT_ONCE;
    for (int first = 0; first < panels; first += at_a_time) {
      const int n = first + at_a_time <= panels ? at_a_time : panels - first;
      for (int k = 0; k < ks; k += 2)
        for (int s = 0; s < M; s += 5) {
          vec a[2][5];
          float *sum = sums + (k * M + s) * L;
          for (int i = 0; i < 2; i++)
            for (int u = 0; u < 5; u++) a[i][u] = first ? load(sum + (i * M + u) * L) : all(0);
          const float *w_k = w + ((int64_t)first * outputs + from_k + k) * PANEL, *x_s = x + s * x_stride + first * PANEL;
          for (int p = 0; p < n; p++, w_k += outputs * PANEL, x_s += PANEL) {
            if (s) __builtin_prefetch(w_k + 4 * PANEL), __builtin_prefetch(w_k + 5 * PANEL);
            for (int h = 0; h < PANEL; h += L) {
              const vec w0 = held(load(w_k + h)), w1 = held(load(w_k + PANEL + h));
              for (int u = 0; u < 5; u++) {
                const vec x_u = held(load(x_s + u * x_stride + h));
                a[0][u] = fma_(w0, x_u, a[0][u]);
                a[1][u] = fma_(w1, x_u, a[1][u]);
              }
            }
          }
          for (int i = 0; i < 2; i++)
            for (int u = 0; u < 5; u++) store(sum + (i * M + u) * L, a[i][u]);
        }
    }
    for (int s = 0; s < M; s++)
      for (int k = 0; k < ks; k += L) {
        vec v[L];
        for (int i = 0; i < L; i++) v[i] = k + i < ks ? load(sums + ((k + i) * M + s) * L) : all(0);
        store(z + s * z_stride + from_k + k, sums_of(v));
      }
  }
}

/* The errors of one panel's inputs: e[s][16] = sum over k of d[s][k] w[k]. */
INLINE void dense_back(const float *d, int d_stride, const float *w, int outputs, vec e[M][2]) {
  for (int s = 0; s < M; s += 5) {
    vec a[5][2];
    for (int u = 0; u < 5; u++) a[u][0] = a[u][1] = all(0);
    for (int k = 0; k < outputs; k++) {
      const vec w0 = held(load(w + k * PANEL)), w1 = held(load(w + k * PANEL + L));
      for (int u = 0; u < 5; u++) {
        const vec d_u = held(from(d + (s + u) * d_stride + k));
        a[u][0] = fma_(d_u, w0, a[u][0]);
        a[u][1] = fma_(d_u, w1, a[u][1]);
      }
    }
    for (int u = 0; u < 5; u++) e[s + u][0] = a[u][0], e[s + u][1] = a[u][1];
  }
}

/* Change one panel's weights: w[k] = shrink w[k] + sum over s of d[s][k] x[s]; outputs is a multiple of 5. */
INLINE void dense_change(const float *d, int d_stride, const float *x, int x_stride, float *w, int outputs, float shrink) {
  const vec shrink_ = all(shrink);
  for (int k = 0; k < outputs; k += 5) {
    vec a[5][2];
    for (int u = 0; u < 5; u++)
      for (int h = 0; h < 2; h++) a[u][h] = all(0);
    for (int u = 0; u < 5; u++) __builtin_prefetch(w + (outputs + k + u) * PANEL, 1); /* the next panel */
    for (int s = 0; s < M; s++) {
      const vec x0 = held(load(x + s * x_stride)), x1 = held(load(x + s * x_stride + L));
      for (int u = 0; u < 5; u++) {
        const vec d_u = held(from(d + s * d_stride + k + u));
        a[u][0] = fma_(d_u, x0, a[u][0]);
        a[u][1] = fma_(d_u, x1, a[u][1]);
      }
    }
    for (int u = 0; u < 5; u++)
      for (int h = 0; h < 2; h++) {
        float *to = w + (k + u) * PANEL + h * L;
        vec old = load(to);
        if (shrink != 1) old = old * shrink_;
        store(to, old + a[u][h]);
      }
  }
}

/* Forward pass, backward pass and update of the softmax layer. Outputs are in lanes, z[16]. w is [n][16]; wt is the
   transpose of w, [CLASSES][padded]. d2 has the scaled errors of the outputs. d1 gets the errors of the inputs, which
   are not yet multiplied by the derivative of the activation function. */
INLINE void softmax_layer(const float *a1, int padded, int n, float *w, float *wt, float *b, const uint8_t *labels,
                          float factor, float shrink, float *d1 /* [M][padded] */) {
  float d2[M][16] ALIGNED;
  for (int s = 0; s < M; s++) {
    vec z[4] = {load(b), load(b + L), all(0), all(0)};
    for (int j = 0; j < n; j += 2) {
      for (int u = 0; u < 2; u++) {
        const vec x = from(a1 + s * padded + j + u);
        z[2 * u] = fma_(x, load(w + (j + u) * 16), z[2 * u]);
        z[2 * u + 1] = fma_(x, load(w + (j + u) * 16 + L), z[2 * u + 1]);
      }
    }
    float o[16] ALIGNED, largest, total = 0;
    store(o, z[0] + z[2]), store(o + L, z[1] + z[3]);
    largest = o[0];
    for (int k = 1; k < CLASSES; k++) largest = o[k] > largest ? o[k] : largest;
    for (int k = CLASSES; k < 16; k++) o[k] = -1000;
    for (int h = 0; h < 16; h += L) store(o + h, exp_(_mm256_max_ps(load(o + h) - all(largest), all(-87))));
    for (int k = 0; k < CLASSES; k++) total += o[k];
    for (int k = 0; k < 16; k++) d2[s][k] = k < CLASSES ? factor * (o[k] / total - (k == labels[s])) : 0;
    for (int j = 0; j < padded; j += L) {
      vec e = all(0), f = all(0);
      for (int k = 0; k < CLASSES; k += 2) {
        e = fma_(all(d2[s][k]), load(wt + k * padded + j), e);
        f = fma_(all(d2[s][k + 1]), load(wt + (k + 1) * padded + j), f);
      }
      store(d1 + s * padded + j, e + f);
    }
  }
  for (int j = 0; j < n; j++) {
    vec v[2] = {all(shrink) * load(w + j * 16), all(shrink) * load(w + j * 16 + L)};
    for (int s = 0; s < M; s++) {
      const vec x = from(a1 + s * padded + j);
      v[0] = fma_(x, load(d2[s]), v[0]), v[1] = fma_(x, load(d2[s] + L), v[1]);
    }
    store(w + j * 16, v[0]), store(w + j * 16 + L, v[1]);
  }
  for (int k = 0; k < CLASSES; k++)
    for (int j = 0; j < padded; j += L) {
      vec v = all(shrink) * load(wt + k * padded + j);
      for (int s = 0; s < M; s++) v = fma_(all(d2[s][k]), load(a1 + s * padded + j), v);
      store(wt + k * padded + j, v);
    }
  for (int h = 0; h < 16; h += L) {
    vec v = load(b + h);
    for (int s = 0; s < M; s++) v = v + load(d2[s] + h);
    store(b + h, v);
  }
}

/* The first convolution, of 20 filters in 24 lanes. ACTIVATE(z) is the activation function. A window has the 6 x 6
   pixels of 4 positions, whose results are pooled. Units are stored window by window: 20 filters, without padding. */
enum {
  SIDE = 28, F1 = 20, F = 24, TAPS = 25, OUT1 = 12, WINDOWS1 = OUT1 * OUT1, UNITS1 = WINDOWS1 * F1, ROW1 = UNITS1 + 16,
};

static struct {
  float act1[M][ROW1] ALIGNED, delta1[M][ROW1] ALIGNED;
  int32_t place1[M][WINDOWS1][L] ALIGNED; /* per lane, positions of the largest values: 2 bits for each of 3 vectors */
  uint16_t window[M][WINDOWS1], corner[M][WINDOWS1]; /* windows that are not blank; offsets of their first pixels */
  int windows[M];
  float blocks[M][(SIDE - 1) * SIDE][4] ALIGNED;
} layer1;

/* The largest value of a window's 4 positions. The position's index is stored in bits 2 v and 2 v + 1 of places. */
INLINE vec pool(vec a0, vec a1, vec a2, vec a3, int v, __m256i *places) {
  const vec right0 = _mm256_cmp_ps(a1, a0, _CMP_GT_OQ), right1 = _mm256_cmp_ps(a3, a2, _CMP_GT_OQ);
  const vec top = _mm256_max_ps(a1, a0), bottom = _mm256_max_ps(a3, a2);
  const vec lower = _mm256_cmp_ps(bottom, top, _CMP_GT_OQ), right = _mm256_blendv_ps(right0, right1, lower);
  const __m256i two = _mm256_set1_epi32(2 << 2 * v), one = _mm256_set1_epi32(1 << 2 * v);
  *places = _mm256_or_si256(*places, _mm256_and_si256(_mm256_castps_si256(lower), two));
  *places = _mm256_or_si256(*places, _mm256_and_si256(_mm256_castps_si256(right), one));
  return _mm256_max_ps(bottom, top);
}

/* Store, for each of a window's 36 pixels and 4 positions, the filters' taps by which the pixel is multiplied; zeros if
   the position does not include the pixel. */
static void spread_filters(const float *w1, float *spread) {
  memset(spread, 0, 36 * 4 * F * sizeof *spread);
  for (int q = 0; q < 4; q++)
    for (int t = 0; t < TAPS; t++)
      for (int v = 0; v < F; v += L)
        store(spread + (((t / 5 + (q >> 1)) * 6 + t % 5 + (q & 1)) * 4 + q) * F + v, load(w1 + t * F + v));
}

/* Forward pass. Only windows that are not blank are computed, from their nonzero pixels. For each of the four
   positions, a pixel is multiplied by its tap, and the product is added to the position's sum. */
static void conv1_forward(const float *image, const float *spread, const float *b1, int s) {
  static const uint8_t at[36] = {0,  1,  2,  3,  4,  5,  28,  29,  30,  31,  32,  33,  56,  57,  58,  59,  60,  61,
                                 84, 85, 86, 87, 88, 89, 112, 113, 114, 115, 116, 117, 140, 141, 142, 143, 144, 145};
  uint64_t row[SIDE];
  const vec b[3] = {load(b1), load(b1 + L), load(b1 + 2 * L)};
  int n = 0;
  for (int r = 0; r < SIDE; r++) {
    row[r] = 0;
    for (int c = 0; c < SIDE; c += 4) {
      const __m128 x = _mm_loadu_ps(image + r * SIDE + c);
      row[r] |= (uint64_t)_mm_movemask_ps(_mm_cmpneq_ps(x, _mm_setzero_ps())) << c;
    }
  }
  for (int i = 0; i < OUT1; i++)
    for (int j = 0; j < OUT1; j++) {
      const int w = i * OUT1 + j;
      float *out = layer1.act1[s] + w * F1;
      uint64_t bits = 0;
      for (int r = 0; r < 6; r++) bits |= (row[2 * i + r] >> 2 * j & 63) << 6 * r;
      if (!bits) {
        for (int v = 0; v < 3; v++) store(out + v * L, ACTIVATE(b[v]));
        continue;
      }
      layer1.window[s][n] = w, layer1.corner[s][n++] = 2 * i * SIDE + 2 * j;
      const float *x = image + 2 * i * SIDE + 2 * j;
      vec a[4][3];
      for (int q = 0; q < 4; q++)
        for (int v = 0; v < 3; v++) a[q][v] = all(0);
      do {
        const int p = __builtin_ctzll(bits);
        bits &= bits - 1;
        const vec x_p = held(from(x + at[p]));
        const float *t = spread + p * 4 * F;
        for (int q = 0; q < 4; q++)
          for (int v = 0; v < 3; v++) a[q][v] = fma_(x_p, load(t + q * F + v * L), a[q][v]);
      } while (bits);
      __m256i places = _mm256_setzero_si256();
      for (int v = 0; v < 3; v++) store(out + v * L, ACTIVATE(pool(a[0][v], a[1][v], a[2][v], a[3][v], v, &places) + b[v]));
      _mm256_store_si256((__m256i *)layer1.place1[s][w], places);
    }
  layer1.windows[s] = n;
}

/* Store the 4 pixels of each 2 x 2 block contiguously, so that a shuffle can pick one of the 4 pixels per filter. */
static void make_blocks(const float *image, int s) {
  for (int r = 0; r < SIDE - 1; r++)
    for (int c = 0; c < SIDE; c += 4) { /* the last block of a row is not used */
      const float *x = image + r * SIDE + c;
      const __m128 a = _mm_loadu_ps(x), b = _mm_loadu_ps(x + 1);
      const __m128 e = _mm_loadu_ps(x + SIDE), f = _mm_loadu_ps(x + SIDE + 1);
      const __m128 ab0 = _mm_unpacklo_ps(a, b), ab1 = _mm_unpackhi_ps(a, b);
      const __m128 ef0 = _mm_unpacklo_ps(e, f), ef1 = _mm_unpackhi_ps(e, f);
      float *to = layer1.blocks[s][r * SIDE + c];
      _mm_store_ps(to, _mm_movelh_ps(ab0, ef0)), _mm_store_ps(to + 4, _mm_movehl_ps(ef0, ab0));
      _mm_store_ps(to + 8, _mm_movelh_ps(ab1, ef1)), _mm_store_ps(to + 12, _mm_movehl_ps(ef1, ab1));
    }
}

INLINE vec block(const float (*b)[4]) { return _mm256_broadcast_ps((const __m128 *)b); }
INLINE vec two_blocks(const float (*b)[4], const float (*c)[4]) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_load_ps(*b)), _mm_load_ps(*c), 1);
}

/* Change the filters, given the errors of the pooled units. Only one of the four positions has a gradient. */
static void conv1_change(float *w1, float *b1, float shrink) {
  /* Filters 0 to 15: a row of taps at a time. */
  for (int ti = 0; ti < 5; ti++) {
    vec a[5][2];
    for (int tj = 0; tj < 5; tj++)
      for (int v = 0; v < 2; v++) a[tj][v] = all(0);
    for (int s = 0; s < M; s++)
      for (int k = 0; k < layer1.windows[s]; k++) {
        const int w = layer1.window[s][k];
        const float (*b)[4] = (const float (*)[4])layer1.blocks[s][layer1.corner[s][k] + ti * SIDE];
        const __m256i p0 = _mm256_load_si256((const __m256i *)layer1.place1[s][w]), p1 = _mm256_srli_epi32(p0, 2);
        const vec d0 = load(layer1.delta1[s] + w * F1), d1 = load(layer1.delta1[s] + w * F1 + L);
        for (int tj = 0; tj < 5; tj++) {
          const vec x = held(block(b + tj));
          a[tj][0] = fma_(_mm256_permutevar_ps(x, p0), d0, a[tj][0]);
          a[tj][1] = fma_(_mm256_permutevar_ps(x, p1), d1, a[tj][1]);
        }
      }
    for (int tj = 0; tj < 5; tj++)
      for (int v = 0; v < 2; v++) {
        float *to = w1 + (ti * 5 + tj) * F + v * L;
        store(to, all(shrink) * load(to) + a[tj][v]);
      }
  }
  /* Filters 16 to 19: two taps in a vector, t and t + 13. */
  vec a[13];
  for (int t = 0; t < 13; t++) a[t] = all(0);
  for (int s = 0; s < M; s++)
    for (int k = 0; k < layer1.windows[s]; k++) {
      const int w = layer1.window[s][k];
      const float (*b)[4] = (const float (*)[4])layer1.blocks[s][layer1.corner[s][k]];
      const __m128i place = _mm_load_si128((const __m128i *)layer1.place1[s][w]);
      const __m256i p = _mm256_srli_epi32(_mm256_broadcastsi128_si256(place), 4);
      const vec d = _mm256_broadcast_ps((const __m128 *)(layer1.delta1[s] + w * F1 + 16));
#pragma GCC unroll 13
      for (int t = 0; t < 13; t++) {
        const int u = t + 13 < TAPS ? t + 13 : t;
        const vec x = two_blocks(b + t / 5 * SIDE + t % 5, b + u / 5 * SIDE + u % 5);
        a[t] = fma_(_mm256_permutevar_ps(x, p), d, a[t]);
      }
    }
  for (int t = 0; t < TAPS; t++) {
    float *to = w1 + t * F + 16;
    const __m128 x = t < 13 ? _mm256_castps256_ps128(a[t]) : _mm256_extractf128_ps(a[t - 13], 1);
    _mm_store_ps(to, _mm_set1_ps(shrink) * _mm_load_ps(to) + x);
  }
  vec b[3] = {all(0), all(0), all(0)};
  for (int s = 0; s < M; s++)
    for (int w = 0; w < WINDOWS1; w++)
      for (int v = 0; v < 3; v++) b[v] = b[v] + load(layer1.delta1[s] + w * F1 + v * L);
  for (int v = 0; v < 3; v++) store(b1 + v * L, load(b1 + v * L) + b[v]);
  for (int f = F1; f < F; f++) b1[f] = 0;
}
