/* A yardstick for the kernels: an epoch of 784-30-10 in C, with everything about that network written into it.

   Vectors are GCC's (`vector_size`), which it turns into the registers of the machine that it compiles for. Layer 0 is
   stored input by input, 32 neurons each, two of them padding; layer 1 twice, neuron by neuron and transposed, so that
   neither its forward nor its backward product has to gather or to sum across a vector. Inputs are without their zeros.
   Targets are labels. A last, shorter mini-batch is left out. */
#include <math.h>
#include <stdint.h>

typedef float vector __attribute__((vector_size(64)));
typedef int32_t integers __attribute__((vector_size(64)));
enum { LANES = 16, HIDDEN = 2 * LANES, NEURONS = 30, OUTPUTS = 10, LARGEST_BATCH = 64, AHEAD = 12 };

static inline vector all(float x) { return (vector){0} + x; }
static inline vector load(const float *p) { return *(const vector *)p; }
static inline void store(float *p, vector v) { *(vector *)p = v; }

static inline vector pick(integers where, vector yes, vector no) {
  return (vector)((where & (integers)yes) | (~where & (integers)no));
}

static inline vector sigmoid(vector z) {
  const vector shift = all(12582912.f); /* 1.5 * 2^23: leaves whole numbers in the last bits */
  vector x = pick(z > 87, all(-87), pick(z < -87, all(87), -z));
  vector whole = x * 1.44269504f + shift;
  vector r = x - (whole - shift) * 0.693145752f - (whole - shift) * 1.42860677e-6f;
  vector e = 1 + r * (1 + r * (.5f + r * (1 / 6.f + r * (1 / 24.f + r * (1 / 120.f + r * (1 / 720.f))))));
  return 1 / (1 + e * (vector)(((integers)whole + 127) << 23));
}

static inline void expect(const int64_t *starts, const uint16_t *columns, const float *values, int64_t i) {
  for (int64_t p = starts[i]; p < starts[i + 1]; p += 16) __builtin_prefetch(values + p);
  for (int64_t p = starts[i]; p < starts[i + 1]; p += 32) __builtin_prefetch(columns + p);
}

void epoch(const int64_t *starts, const uint16_t *columns, const float *values, const uint8_t *labels,
           const int64_t *order, int64_t n, int m, float eta, float *w0, float *b0, float *w1, float *w1t, float *b1) {
  float a[LARGEST_BATCH][HIDDEN] __attribute__((aligned(64)));
  float d0[LARGEST_BATCH][HIDDEN] __attribute__((aligned(64)));
  float d1[LARGEST_BATCH][LANES] __attribute__((aligned(64)));
  vector neurons[2] = {all(1), all(1)}, outputs = all(0);
  neurons[1][14] = neurons[1][15] = 0;
  for (int k = 0; k < OUTPUTS; k++) outputs[k] = 1;
  integers places;
  for (int k = 0; k < LANES; k++) places[k] = k;
  const float scale = eta / m;

  for (int64_t first = 0; first + m <= n; first += m) {
    for (int s = 0; s < m; s++) {
      if (first + s + AHEAD < n) expect(starts, columns, values, order[first + s + AHEAD]);
      const int64_t i = order[first + s], stop = starts[i + 1];
      int64_t p = starts[i];
      vector z[4][2] = {{load(b0), load(b0 + LANES)}};
      for (; p + 4 <= stop; p += 4)
        for (int u = 0; u < 4; u++) {
          const float *w = w0 + HIDDEN * columns[p + u];
          z[u][0] += values[p + u] * load(w);
          z[u][1] += values[p + u] * load(w + LANES);
        }
      for (; p < stop; p++) {
        const float *w = w0 + HIDDEN * columns[p];
        z[0][0] += values[p] * load(w);
        z[0][1] += values[p] * load(w + LANES);
      }
      vector h[2];
      for (int q = 0; q < 2; q++) {
        h[q] = neurons[q] * sigmoid((z[0][q] + z[1][q]) + (z[2][q] + z[3][q]));
        store(a[s] + q * LANES, h[q]);
      }
      vector o[4] = {load(b1)};
      for (int j = 0; j < HIDDEN; j += 4)
        for (int u = 0; u < 4; u++) o[u] += a[s][j + u] * load(w1 + LANES * (j + u));
      const vector output = outputs * sigmoid((o[0] + o[1]) + (o[2] + o[3]));
      const vector y = pick(places == labels[i], all(1), all(0));
      store(d1[s], scale * (y - output) * output * (1 - output));
      vector back[2][2] = {{all(0)}};
      for (int k = 0; k < OUTPUTS; k += 2)
        for (int u = 0; u < 2; u++)
          for (int q = 0; q < 2; q++) back[u][q] += d1[s][k + u] * load(w1t + HIDDEN * (k + u) + q * LANES);
      for (int q = 0; q < 2; q++) store(d0[s] + q * LANES, (back[0][q] + back[1][q]) * h[q] * (1 - h[q]));
    }
    vector b[3] = {load(b0), load(b0 + LANES), load(b1)};
    for (int s = 0; s < m; s++) {
      const int64_t i = order[first + s], stop = starts[i + 1];
      const vector d[2] = {load(d0[s]), load(d0[s] + LANES)};
      int64_t p = starts[i];
      for (; p + 2 <= stop; p += 2) {
        float *w = w0 + HIDDEN * columns[p], *v = w0 + HIDDEN * columns[p + 1];
        const vector w_0 = load(w) + values[p] * d[0], w_1 = load(w + LANES) + values[p] * d[1];
        const vector v_0 = load(v) + values[p + 1] * d[0], v_1 = load(v + LANES) + values[p + 1] * d[1];
        store(w, w_0), store(w + LANES, w_1), store(v, v_0), store(v + LANES, v_1);
      }
      if (p < stop) {
        float *w = w0 + HIDDEN * columns[p];
        store(w, load(w) + values[p] * d[0]), store(w + LANES, load(w + LANES) + values[p] * d[1]);
      }
      b[0] += d[0], b[1] += d[1], b[2] += load(d1[s]);
    }
    store(b0, b[0]), store(b0 + LANES, b[1]), store(b1, b[2]);
    for (int j = 0; j < NEURONS; j++) {
      vector even = load(w1 + LANES * j), odd = all(0);
      int s = 0;
      for (; s + 2 <= m; s += 2) {
        even += a[s][j] * load(d1[s]);
        odd += a[s + 1][j] * load(d1[s + 1]);
      }
      if (s < m) even += a[s][j] * load(d1[s]);
      store(w1 + LANES * j, even + odd);
    }
    for (int k = 0; k < OUTPUTS; k++) {
      float *w = w1t + HIDDEN * k;
      vector w_0 = load(w), w_1 = load(w + LANES);
      for (int s = 0; s < m; s++) {
        w_0 += d1[s][k] * load(a[s]);
        w_1 += d1[s][k] * load(a[s] + LANES);
      }
      store(w, w_0), store(w + LANES, w_1);
    }
  }
}
