/* A network of three layers, trained by gradient descent. IN, HIDDEN, OUT and KIND are numbers that
 * the build script gives, and PREFIX begins the names. Compiled twice: with SAME_BITS each sum runs
 * in gradlet's order, nothing is fused, and the functions are those of Rust's libm; without, they
 * are this system's, and the compiler may fuse as it does by default. */

#include <math.h>
#include <stddef.h>
#include <string.h>

#ifdef SAME_BITS
float peers_expf(float x), peers_tanhf(float x), peers_log1pf(float x), peers_logf(float x);
#define EXP peers_expf
#define TANH peers_tanhf
#define LOG1P peers_log1pf
#define LOG peers_logf
#else
#define EXP expf
#define TANH tanhf
#define LOG1P log1pf
#define LOG logf
#endif

#define SIGMOID 0
#define TANH_SIGMOID 1
#define RELU_SOFTMAX 2

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)

typedef struct {
    float w1[IN][HIDDEN], b1[HIDDEN], w2[HIDDEN][OUT], b2[OUT];
} Net;

static void affine(const Net *net, const float *x, float *hidden, float *z)
{
    for (int h = 0; h < HIDDEN; h++)
        hidden[h] = -0.0f;
    for (int i = 0; i < IN; i++)
        for (int h = 0; h < HIDDEN; h++)
            hidden[h] += net->w1[i][h] * x[i];
    for (int h = 0; h < HIDDEN; h++) {
        float sum = hidden[h] + net->b1[h];
        if (KIND == SIGMOID)
            hidden[h] = 1.0f / (1.0f + EXP(-sum));
        else if (KIND == TANH_SIGMOID)
            hidden[h] = TANH(sum);
        else
            hidden[h] = sum < 0.0f ? 0.0f : sum;
    }
    for (int o = 0; o < OUT; o++)
        z[o] = -0.0f;
    for (int h = 0; h < HIDDEN; h++)
        for (int o = 0; o < OUT; o++)
            z[o] += net->w2[h][o] * hidden[h];
    for (int o = 0; o < OUT; o++)
        z[o] += net->b2[o];
}

static float softmax(float *z)
{
    float max = -INFINITY, sum = 0.0f;
    for (int o = 0; o < OUT; o++)
        max = z[o] > max ? z[o] : max;
    for (int o = 0; o < OUT; o++) {
        z[o] = EXP(z[o] - max);
        sum += z[o];
    }
    for (int o = 0; o < OUT; o++)
        z[o] /= sum;
    return sum;
}

/* The derivatives of the loss by the weighted sums; returns the loss. */
static float deltas(const Net *net, const float *x, const float *target, float *hidden,
                          float *delta1, float *delta2)
{
    float y[OUT], loss = 0.0f;
    affine(net, x, hidden, y);
    if (KIND == SIGMOID) {
        for (int o = 0; o < OUT; o++) {
            y[o] = 1.0f / (1.0f + EXP(-y[o]));
            float error = y[o] - target[o];
            loss += error * error;
            delta2[o] = error * (y[o] * (1.0f - y[o]));
        }
        loss *= 0.5f;
    } else if (KIND == TANH_SIGMOID) {
        for (int o = 0; o < OUT; o++) {
            float z = y[o], power = EXP(-z);
            y[o] = 1.0f / (1.0f + power);
            loss += z < 0.0f ? LOG1P(1.0f / power) - target[o] * z
                             : z - target[o] * z + LOG1P(power);
            delta2[o] = y[o] - target[o];
        }
    } else {
        float max = -INFINITY, expected = 0.0f;
        for (int o = 0; o < OUT; o++)
            max = y[o] > max ? y[o] : max;
        for (int o = 0; o < OUT; o++)
            expected += target[o] * (y[o] - max);
        loss = LOG(softmax(y)) - expected;
        for (int o = 0; o < OUT; o++)
            delta2[o] = y[o] - target[o];
    }
    for (int h = 0; h < HIDDEN; h++) {
        float sum = -0.0f;
        for (int o = 0; o < OUT; o++)
            sum += net->w2[h][o] * delta2[o];
        if (KIND == SIGMOID)
            delta1[h] = sum * (hidden[h] * (1.0f - hidden[h]));
        else if (KIND == TANH_SIGMOID)
            delta1[h] = sum * (1.0f - hidden[h] * hidden[h]);
        else
            delta1[h] = sum * (hidden[h] > 0.0f ? 1.0f : 0.0f);
    }
    return loss;
}

/* Adds the gradient of one example, times a factor. */
static void add(Net *net, float factor, const float *x, const float *hidden,
                      const float *delta1, const float *delta2)
{
    float step1[HIDDEN], step2[OUT];
    for (int h = 0; h < HIDDEN; h++)
        step1[h] = factor * delta1[h];
    for (int o = 0; o < OUT; o++)
        step2[o] = factor * delta2[o];
    for (int i = 0; i < IN; i++)
        for (int h = 0; h < HIDDEN; h++)
            net->w1[i][h] += x[i] * step1[h];
    for (int h = 0; h < HIDDEN; h++)
        net->b1[h] += step1[h];
    for (int h = 0; h < HIDDEN; h++)
        for (int o = 0; o < OUT; o++)
            net->w2[h][o] += hidden[h] * step2[o];
    for (int o = 0; o < OUT; o++)
        net->b2[o] += step2[o];
}

/* Trains on each example once; returns the sum of the losses. */
float JOIN(PREFIX, epoch)(Net *net, Net *gradient, const float *inputs, const float *targets,
                  size_t count, size_t batch, float rate)
{
    float hidden[HIDDEN], delta1[HIDDEN], delta2[OUT], loss = 0.0f;
    if (batch == 1) {
        for (size_t e = 0; e < count; e++) {
            const float *x = inputs + e * IN;
            loss += deltas(net, x, targets + e * OUT, hidden, delta1, delta2);
            add(net, -rate, x, hidden, delta1, delta2);
        }
        return loss;
    }
    for (size_t start = 0; start < count; start += batch) {
        memset(gradient, 0, sizeof *gradient);
        for (size_t e = start; e < start + batch; e++) {
            const float *x = inputs + e * IN;
            loss += deltas(net, x, targets + e * OUT, hidden, delta1, delta2);
            add(gradient, 1.0f, x, hidden, delta1, delta2);
        }
        float scale = -(1.0f / batch * rate);
        float *weights = (float *)net, *sums = (float *)gradient;
        for (size_t w = 0; w < sizeof *net / sizeof *weights; w++)
            weights[w] += scale * sums[w];
    }
    return loss;
}

/* Computes the output for each example; returns the sum of the first of each. */
float JOIN(PREFIX, inferences)(const Net *net, const float *inputs, size_t count)
{
    float hidden[HIDDEN], y[OUT], sum = 0.0f;
    for (size_t e = 0; e < count; e++) {
        affine(net, inputs + e * IN, hidden, y);
        if (KIND == RELU_SOFTMAX)
            softmax(y);
        else
            for (int o = 0; o < OUT; o++)
                y[o] = 1.0f / (1.0f + EXP(-y[o]));
        sum += y[0];
    }
    return sum;
}
