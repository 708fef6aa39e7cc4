/* MKL's vector functions by the kernels that it has for AVX-512 or AVX2, high accuracy.

   Of itself MKL takes its slowest kernels on a processor that is not Intel's. What is defined here stands before MKL's own names in a process that
   loads this library globally first; KERNELS is the library they are taken from, ISA their code there. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef void one(long n, const void *x, void *r);
typedef void two(long n, const void *x, const void *y, void *r);

static void *find(const char *name) {
  static void *library;
  if (!library) library = dlopen(KERNELS, RTLD_NOW | RTLD_LOCAL);
  char symbol[64];
  snprintf(symbol, sizeof symbol, "mkl_vml_kernel_%s_" ISA "HAynn", name);
  void *found = library ? dlsym(library, symbol) : 0;
  if (!found) fprintf(stderr, "no %s in %s\n", symbol, KERNELS), abort();
  return found;
}

#define ONE(name)                                             \
  void v##name(int n, const void *x, void *r) {               \
    static one *kernel;                                       \
    if (!kernel) kernel = (one *)find(#name);                 \
    kernel(n, x, r);                                          \
  }
#define TWO(name)                                             \
  void v##name(int n, const void *x, const void *y, void *r) { \
    static two *kernel;                                       \
    if (!kernel) kernel = (two *)find(#name);                 \
    kernel(n, x, y, r);                                       \
  }

ONE(dSin) ONE(dCos) ONE(dTanh) ONE(dExp) ONE(dLn) ONE(dLog1p) ONE(dSqrt) TWO(dPow) TWO(dDiv)
ONE(sSin) ONE(sCos) ONE(sTanh) ONE(sExp) ONE(sLn) ONE(sLog1p) ONE(sSqrt) TWO(sPow) TWO(sDiv)
