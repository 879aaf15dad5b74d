/* An epoch of the book's network with one convolution. All sizes and functions of the network are constants.

   28 x 28 pixels, 20 filters of 5 x 5, max-pooling of 2 x 2, sigmoid; 100 sigmoid neurons; softmax; mini-batches of
   ten; one thread, AVX2. The 20 filters are in 24 lanes of 3 vectors. The four positions of a pooling window are
   computed together, in 4 x 3 registers. Pooling gives the largest activation, and its position in 2 bits. Windows
   whose pixels are all zero are skipped, and so are zero pixels in all other windows. Only one of the four positions
   has a gradient: a shuffle, controlled by the two bits, picks each filter's pixel from the four pixels of a block. */
#define ACTIVATE sigmoid
#include "common.h"

enum { PANELS = UNITS1 / PANEL, HIDDEN = 100, H = 104, CHUNK = 9 };

static struct {
  float sums[AT_ONCE * M * L] ALIGNED;
  float z1[M][H] ALIGNED, d1[M][H] ALIGNED;
} work;

/* images [n][784]; wc [25][24], bc [24], w1 [180][100][16], b1 [104], w2 [100][16], w2t [10][104], b2 [16]. */
void epoch(const float *images, const uint8_t *labels, int64_t n, float eta, float *wc, float *bc, float *w1, float *b1,
           float *w2, float *w2t, float *b2) {
  const uint64_t before = count_as_zero();
  for (int64_t first = 0; first + M <= n; first += M) {
    float spread[36 * 4 * F] ALIGNED;
    spread_filters(wc, spread);
    for (int s = 0; s < M; s++) conv1_forward(images + (first + s) * SIDE * SIDE, spread, bc, s);
    dense_forward(layer1.act1[0], ROW1, PANELS, CHUNK, w1, HIDDEN, work.sums, work.z1[0], H);
    for (int s = 0; s < M; s++)
      for (int k = 0; k < H; k += L) store(work.z1[s] + k, sigmoid(load(work.z1[s] + k) + load(b1 + k)));
    softmax_layer(work.z1[0], H, HIDDEN, w2, w2t, b2, labels + first, -eta / M, 1, work.d1[0]);
    for (int k = 0; k < H; k += L) {
      vec b = all(0);
      for (int s = 0; s < M; s++) {
        const vec a = load(work.z1[s] + k), d = load(work.d1[s] + k) * a * (all(1) - a);
        store(work.d1[s] + k, d);
        b = b + d;
      }
      store(b1 + k, load(b1 + k) + b);
    }
    for (int p = 0; p < PANELS; p++) {
      float *w = w1 + p * HIDDEN * PANEL;
      vec e[M][2];
      dense_back(work.d1[0], H, w, HIDDEN, e);
      for (int s = 0; s < M; s++)
        for (int h = 0; h < 2; h++) {
          const vec a = load(layer1.act1[s] + p * PANEL + h * L);
          store(layer1.delta1[s] + p * PANEL + h * L, e[s][h] * a * (all(1) - a));
        }
      dense_change(work.d1[0], H, layer1.act1[0] + p * PANEL, ROW1, w, HIDDEN, 1);
    }
    for (int s = 0; s < M; s++) make_blocks(images + (first + s) * SIDE * SIDE, s);
    conv1_change(wc, bc, 1);
  }
  put_back(before);
}

/* The outputs of n images before softmax, as [n][16], to measure the accuracy; n is a multiple of M. */
void outputs(const float *images, int64_t n, const float *wc, const float *bc, const float *w1, const float *b1,
             const float *w2, const float *b2, float *out) {
  float spread[36 * 4 * F] ALIGNED;
  spread_filters(wc, spread);
  for (int64_t first = 0; first + M <= n; first += M) {
    for (int s = 0; s < M; s++) conv1_forward(images + (first + s) * SIDE * SIDE, spread, bc, s);
    dense_forward(layer1.act1[0], ROW1, PANELS, CHUNK, w1, HIDDEN, work.sums, work.z1[0], H);
    for (int s = 0; s < M; s++) {
      for (int k = 0; k < H; k += L) store(work.z1[s] + k, sigmoid(load(work.z1[s] + k) + load(b1 + k)));
      vec z[2] = {load(b2), load(b2 + L)};
      for (int j = 0; j < HIDDEN; j++)
        for (int h = 0; h < 2; h++) z[h] = fma_(from(work.z1[s] + j), load(w2 + j * 16 + h * L), z[h]);
      for (int h = 0; h < 2; h++) store(out + (first + s) * 16 + h * L, z[h]);
    }
  }
}
