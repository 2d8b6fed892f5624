// SPDX-License-Identifier: Apache-2.0
// NVML's symbols over GPUs that live in a file, so that locked clocks outlive the process that set
// them, as on real ones, and so that a test can change the world under the program that it tests.
//
// The file is named by FAKE_NVML_WORLD and laid out as `struct world`; gpu.py has the same layout.

#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
  SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4,
  NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15,
};
enum { FIELD_AVERAGE = 185, FIELD_INSTANT = 186, UNSIGNED_INT = 1 };
enum { SCOPE_GPU = 0, SCOPE_MODULE = 1, SCOPE_MEMORY = 2 };
enum { CLOCK_GRAPHICS = 0, CLOCK_SM = 1, CLOCK_MEM = 2, REASON_GPU_IDLE = 1 };
enum { GPUS = 4, FUNCTIONS = 32, STEPS = 128, PROCESSES = 4 };

#define EACH_FUNCTION(X)                                                                     \
  X(nvmlInitWithFlags) X(nvmlInit_v2) X(nvmlShutdown) X(nvmlSystemGetDriverVersion)          \
  X(nvmlDeviceGetCount_v2) X(nvmlDeviceGetHandleByIndex_v2) X(nvmlDeviceGetHandleByUUID)     \
  X(nvmlDeviceGetName) X(nvmlDeviceGetUUID) X(nvmlDeviceGetMigMode)                          \
  X(nvmlDeviceGetPowerUsage) X(nvmlDeviceGetFieldValues)                                     \
  X(nvmlDeviceGetTotalEnergyConsumption) X(nvmlDeviceGetTemperature)                         \
  X(nvmlDeviceGetTemperatureV) X(nvmlDeviceGetUtilizationRates)                              \
  X(nvmlDeviceGetProcessUtilization) X(nvmlDeviceGetClockInfo) X(nvmlDeviceGetMaxClockInfo)  \
  X(nvmlDeviceGetMaxCustomerBoostClock) X(nvmlDeviceGetSupportedMemoryClocks)                \
  X(nvmlDeviceGetSupportedGraphicsClocks) X(nvmlDeviceGetCurrentClocksEventReasons)          \
  X(nvmlDeviceGetCurrentClocksThrottleReasons) X(nvmlDeviceSetGpuLockedClocks)               \
  X(nvmlDeviceResetGpuLockedClocks)

#define AS_ENUM(name) F_##name,
#define AS_TEXT(name) #name ","
enum { EACH_FUNCTION(AS_ENUM) FUNCTION_COUNT };
const char *fake_functions(void) { return EACH_FUNCTION(AS_TEXT); }

// Every number is a double or an int64_t, so that there is no padding to agree on.
struct process { int64_t pid, sm_percent, age_us; };
struct gpu {
  char name[96], uuid[96];
  int64_t error;              // what every call answers; 0: what it should
  int64_t errors[FUNCTIONS];  // what one function answers; 0: what it should
  double idle_w, cubic_w, load;  // power = idle_w + cubic_w * GHz^3 * load
  double memory_w, module_w;  // NaN: not supported
  int64_t has_instant;
  int64_t temperature_c, mig;  // mig -1: not supported
  int64_t steps, step_mhz[STEPS];  // rising
  int64_t memory_mhz, memory_low_mhz;  // the low one has only the lowest step
  int64_t boost_mhz;          // 0: not supported
  int64_t locked_mhz;         // 0: not locked
  int64_t cap_mhz, reasons;   // throttling: the achieved clock is no higher, for these reasons
  double period_s;            // of the energy counter
  int64_t stalled;            // the counter stands still
  double energy_j, shown_j, settled_s;
  int64_t processes;
  struct process process[PROCESSES];
  // In NVML's unit, instead of what should be answered; INT64_MIN: what should be answered.
  int64_t odd_power, odd_energy, odd_temperature, odd_load, odd_clock;
};
struct world {
  int64_t size;               // sizeof(struct world)
  int64_t init_error;         // what nvmlInit answers
  int64_t permitted;          // whether clocks may be set
  int64_t epoch;              // of the driver; a process from an older one must initialise again
  double offset_s, speed;     // time = offset_s + speed * CLOCK_MONOTONIC
  int64_t spared_pid;         // never killed
  int64_t die_in, die_on;     // calls until SIGKILL, 0: never; of this function alone, -1: any
  int64_t calls[FUNCTIONS];
  int64_t gpus;
  struct gpu gpu[GPUS];
};

typedef struct handle *device_t;  // (initialisation << 8) + index + 1; never dereferenced
struct field {
  uint32_t id, scope;
  int64_t at_us, latency_us;
  uint32_t type, result;
  union { unsigned u; uint64_t all; } value;
};
struct utilization { unsigned gpu, memory; };
struct process_sample { unsigned pid; unsigned long long at_us; unsigned sm, memory, enc, dec; };
struct temperature { unsigned version, sensor; int celsius; };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct world *world;
static char mapped[4096];
static int file = -1;
static int64_t users, life, epoch;

static int map_world(void) {
  const char *path = getenv("FAKE_NVML_WORLD");
  if (!path) return DRIVER_NOT_LOADED;
  if (world && !strcmp(path, mapped)) return SUCCESS;
  if (world) {
    munmap(world, sizeof *world);
    close(file);
    world = NULL;
    users = 0;
  }
  file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return DRIVER_NOT_LOADED;
  void *found = mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (found == MAP_FAILED || ((struct world *)found)->size != sizeof *world) {
    fprintf(stderr, "fake NVML: %s is no world of %zu bytes\n", path, sizeof *world);
    abort();
  }
  world = found;
  snprintf(mapped, sizeof mapped, "%s", path);
  return SUCCESS;
}

// flock is let go of when its holder is killed, which a mutex in the file is not.
static void lock(void) {
  pthread_mutex_lock(&mutex);
  if (world) flock(file, LOCK_EX);
}

static int unlock(int result) {
  if (world) flock(file, LOCK_UN);
  pthread_mutex_unlock(&mutex);
  return result;
}

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return world->offset_s + world->speed * (t.tv_sec + 1e-9 * t.tv_nsec);
}

static int64_t clock_mhz(const struct gpu *g) {
  int64_t mhz = g->locked_mhz ? g->locked_mhz : g->step_mhz[g->load > 0 ? g->steps - 1 : 0];
  return g->cap_mhz && mhz > g->cap_mhz ? g->cap_mhz : mhz;
}

static double power_w(const struct gpu *g) {
  return g->idle_w + g->cubic_w * pow(clock_mhz(g) / 1000.0, 3) * g->load;
}

// Adds the energy since the last settling, at the power that held all the while; the counter
// shows only what was used up to the last whole period.
static void settle(struct gpu *g) {
  double now = now_s(), watts = power_w(g);
  double tick = floor(now / g->period_s + 1e-9) * g->period_s;  // 0.7 / 0.1 is a hair below 7
  if (tick > now) now = tick;
  if (tick > g->settled_s && !g->stalled)
    g->shown_j = g->energy_j + watts * (tick - g->settled_s);
  if (now > g->settled_s) {
    g->energy_j += watts * (now - g->settled_s);
    g->settled_s = now;
  }
}

// For the test, before it changes what power depends on.
void fake_settle(void) {
  pthread_mutex_lock(&mutex);
  map_world();
  pthread_mutex_unlock(&mutex);
  lock();
  for (int64_t i = 0; i < world->gpus; i++) settle(&world->gpu[i]);
  unlock(0);
}

static void count(int function) {
  world->calls[function]++;
  int counts = world->die_on < 0 || world->die_on == function;
  if (world->die_in && counts && world->spared_pid != getpid() && !--world->die_in)
    raise(SIGKILL);
}

// Begins a call: the lock is held afterwards, whatever is returned.
static int enter(int function) {
  lock();
  const char *path = getenv("FAKE_NVML_WORLD");
  if (!world || !users || !path || strcmp(path, mapped)) return UNINITIALIZED;
  count(function);
  return SUCCESS;
}

static int enter_gpu(int function, device_t device, struct gpu **g) {
  int result = enter(function);
  if (result) return result;
  uintptr_t handle = (uintptr_t)device;
  int64_t index = (int64_t)(handle & 255) - 1;
  if ((int64_t)(handle >> 8) != life || index < 0) return INVALID_ARGUMENT;
  if (epoch != world->epoch || index >= world->gpus) return GPU_IS_LOST;
  *g = &world->gpu[index];
  if ((*g)->error) return (int)(*g)->error;
  settle(*g);
  return (int)(*g)->errors[function];
}

#define ENTER(name)             \
  do {                          \
    int r_ = enter(F_##name);   \
    if (r_) return unlock(r_);  \
  } while (0)
#define ENTER_GPU(name)                           \
  struct gpu *g;                                  \
  do {                                            \
    int r_ = enter_gpu(F_##name, device, &g);     \
    if (r_) return unlock(r_);                    \
  } while (0)

static int text(char *to, unsigned length, const char *from) {
  return snprintf(to, length, "%s", from) < (int)length ? SUCCESS : INSUFFICIENT_SIZE;
}

static int either(int64_t odd, double real, unsigned *to) {
  *to = odd == INT64_MIN ? (unsigned)real : (unsigned)odd;
  return SUCCESS;
}

const char *nvmlErrorString(int result) {
  static char words[32];
  snprintf(words, sizeof words, "fake error %d", result);
  return words;
}

static int initialise(int function) {
  pthread_mutex_lock(&mutex);
  int result = map_world();
  pthread_mutex_unlock(&mutex);
  if (result) return result;
  lock();
  count(function);
  if (world->init_error) return unlock((int)world->init_error);
  if (!users++) { life++; epoch = world->epoch; }
  return unlock(SUCCESS);
}

int nvmlInitWithFlags(unsigned flags) { (void)flags; return initialise(F_nvmlInitWithFlags); }
int nvmlInit_v2(void) { return initialise(F_nvmlInit_v2); }
int nvmlShutdown(void) { ENTER(nvmlShutdown); users--; return unlock(SUCCESS); }

int nvmlSystemGetDriverVersion(char *version, unsigned length) {
  ENTER(nvmlSystemGetDriverVersion);
  return unlock(text(version, length, "615.71"));
}

int nvmlDeviceGetCount_v2(unsigned *number) {
  ENTER(nvmlDeviceGetCount_v2);
  *number = (unsigned)world->gpus;
  return unlock(SUCCESS);
}

static int found(int64_t index, device_t *device) {
  if (world->gpu[index].error) return unlock((int)world->gpu[index].error);
  *device = (device_t)(uintptr_t)((life << 8) + index + 1);
  return unlock(SUCCESS);
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, device_t *device) {
  ENTER(nvmlDeviceGetHandleByIndex_v2);
  return index < world->gpus ? found(index, device) : unlock(INVALID_ARGUMENT);
}

int nvmlDeviceGetHandleByUUID(const char *uuid, device_t *device) {
  ENTER(nvmlDeviceGetHandleByUUID);
  for (int64_t i = 0; i < world->gpus; i++)
    if (!strcmp(uuid, world->gpu[i].uuid)) return found(i, device);
  return unlock(NOT_FOUND);
}

int nvmlDeviceGetName(device_t device, char *name, unsigned length) {
  ENTER_GPU(nvmlDeviceGetName);
  return unlock(text(name, length, g->name));
}

int nvmlDeviceGetUUID(device_t device, char *uuid, unsigned length) {
  ENTER_GPU(nvmlDeviceGetUUID);
  return unlock(text(uuid, length, g->uuid));
}

int nvmlDeviceGetMigMode(device_t device, unsigned *current, unsigned *pending) {
  ENTER_GPU(nvmlDeviceGetMigMode);
  if (g->mig < 0) return unlock(NOT_SUPPORTED);
  *current = *pending = (unsigned)g->mig;
  return unlock(SUCCESS);
}

int nvmlDeviceGetPowerUsage(device_t device, unsigned *mw) {
  ENTER_GPU(nvmlDeviceGetPowerUsage);
  return unlock(either(g->odd_power, 1e3 * power_w(g), mw));
}

static uint32_t field(const struct gpu *g, struct field *f) {
  double watts = NAN;
  int average = f->id == FIELD_AVERAGE, instant = f->id == FIELD_INSTANT;
  if (f->scope == SCOPE_GPU && (average || (instant && g->has_instant))) watts = power_w(g);
  if (f->scope == SCOPE_MEMORY && average) watts = g->memory_w;
  if (f->scope == SCOPE_MODULE && (average || instant)) watts = g->module_w;
  if (isnan(watts)) return NOT_SUPPORTED;
  f->type = UNSIGNED_INT;
  f->value.all = UINT64_MAX;  // only the member of the type means anything
  int64_t odd = f->scope == SCOPE_GPU ? g->odd_power : INT64_MIN;
  return (uint32_t)either(odd, 1e3 * watts, &f->value.u);
}

int nvmlDeviceGetFieldValues(device_t device, int number, struct field *fields) {
  ENTER_GPU(nvmlDeviceGetFieldValues);
  for (int i = 0; i < number; i++) fields[i].result = field(g, &fields[i]);
  return unlock(SUCCESS);
}

int nvmlDeviceGetTotalEnergyConsumption(device_t device, unsigned long long *mj) {
  ENTER_GPU(nvmlDeviceGetTotalEnergyConsumption);
  *mj = g->odd_energy == INT64_MIN ? (int64_t)(1e3 * g->shown_j) : g->odd_energy;
  return unlock(SUCCESS);
}

int nvmlDeviceGetTemperature(device_t device, unsigned sensor, unsigned *celsius) {
  ENTER_GPU(nvmlDeviceGetTemperature);
  return unlock(sensor ? INVALID_ARGUMENT : either(g->odd_temperature, g->temperature_c, celsius));
}

int nvmlDeviceGetTemperatureV(device_t device, struct temperature *t) {
  ENTER_GPU(nvmlDeviceGetTemperatureV);
  if (t->sensor) return unlock(INVALID_ARGUMENT);
  return unlock(either(g->odd_temperature, g->temperature_c, (unsigned *)&t->celsius));
}

int nvmlDeviceGetUtilizationRates(device_t device, struct utilization *u) {
  ENTER_GPU(nvmlDeviceGetUtilizationRates);
  u->memory = 0;
  return unlock(either(g->odd_load, 100 * g->load, &u->gpu));
}

int nvmlDeviceGetProcessUtilization(device_t device, struct process_sample *samples,
                                    unsigned *number, unsigned long long since_us) {
  ENTER_GPU(nvmlDeviceGetProcessUtilization);
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  unsigned newer = 0, room = samples ? *number : 0;
  for (int64_t i = 0; i < g->processes; i++) {
    const struct process *p = &g->process[i];
    unsigned long long at_us = t.tv_sec * 1000000ULL + t.tv_nsec / 1000 - p->age_us;
    if (at_us <= since_us) continue;
    if (newer++ < room)
      samples[newer - 1] = (struct process_sample){p->pid, at_us, p->sm_percent, 0, 0, 0};
  }
  *number = newer;
  return unlock(!newer ? NOT_FOUND : newer > room ? INSUFFICIENT_SIZE : SUCCESS);
}

int nvmlDeviceGetClockInfo(device_t device, unsigned kind, unsigned *mhz) {
  ENTER_GPU(nvmlDeviceGetClockInfo);
  if (kind == CLOCK_MEM) return unlock(either(INT64_MIN, g->memory_mhz, mhz));
  return unlock(either(g->odd_clock, clock_mhz(g), mhz));
}

int nvmlDeviceGetMaxClockInfo(device_t device, unsigned kind, unsigned *mhz) {
  ENTER_GPU(nvmlDeviceGetMaxClockInfo);
  int64_t most_mhz = kind == CLOCK_MEM ? g->memory_mhz : g->step_mhz[g->steps - 1];
  return unlock(either(INT64_MIN, most_mhz, mhz));
}

int nvmlDeviceGetMaxCustomerBoostClock(device_t device, unsigned kind, unsigned *mhz) {
  ENTER_GPU(nvmlDeviceGetMaxCustomerBoostClock);
  if (!g->boost_mhz || kind > CLOCK_SM) return unlock(NOT_SUPPORTED);
  return unlock(either(INT64_MIN, g->boost_mhz, mhz));
}

int nvmlDeviceGetSupportedMemoryClocks(device_t device, unsigned *number, unsigned *mhz) {
  ENTER_GPU(nvmlDeviceGetSupportedMemoryClocks);
  unsigned room = mhz ? *number : 0;
  *number = 2;
  if (room < 2) return unlock(INSUFFICIENT_SIZE);
  mhz[0] = (unsigned)g->memory_low_mhz;
  mhz[1] = (unsigned)g->memory_mhz;
  return unlock(SUCCESS);
}

int nvmlDeviceGetSupportedGraphicsClocks(device_t device, unsigned memory_mhz, unsigned *number,
                                         unsigned *mhz) {
  ENTER_GPU(nvmlDeviceGetSupportedGraphicsClocks);
  if (memory_mhz != g->memory_mhz && memory_mhz != g->memory_low_mhz) return unlock(NOT_FOUND);
  unsigned room = mhz ? *number : 0;
  *number = memory_mhz == g->memory_mhz ? (unsigned)g->steps : 1;
  if (room < *number) return unlock(*number ? INSUFFICIENT_SIZE : SUCCESS);
  for (unsigned i = 0; i < *number; i++)
    mhz[i] = (unsigned)g->step_mhz[*number - 1 - i];  // falling, as real ones
  return unlock(SUCCESS);
}

static int reasons(const struct gpu *g, unsigned long long *bits) {
  int capped = g->cap_mhz && clock_mhz(g) == g->cap_mhz;
  *bits = (g->load > 0 ? 0 : REASON_GPU_IDLE) | (capped || !g->cap_mhz ? g->reasons : 0);
  return SUCCESS;
}

int nvmlDeviceGetCurrentClocksEventReasons(device_t device, unsigned long long *bits) {
  ENTER_GPU(nvmlDeviceGetCurrentClocksEventReasons);
  return unlock(reasons(g, bits));
}

int nvmlDeviceGetCurrentClocksThrottleReasons(device_t device, unsigned long long *bits) {
  ENTER_GPU(nvmlDeviceGetCurrentClocksThrottleReasons);
  return unlock(reasons(g, bits));
}

int nvmlDeviceSetGpuLockedClocks(device_t device, unsigned low_mhz, unsigned high_mhz) {
  ENTER_GPU(nvmlDeviceSetGpuLockedClocks);
  if (!world->permitted) return unlock(NO_PERMISSION);
  if (!low_mhz || low_mhz > high_mhz) return unlock(INVALID_ARGUMENT);
  g->locked_mhz = high_mhz;
  return unlock(SUCCESS);
}

int nvmlDeviceResetGpuLockedClocks(device_t device) {
  ENTER_GPU(nvmlDeviceResetGpuLockedClocks);
  if (!world->permitted) return unlock(NO_PERMISSION);
  g->locked_mhz = 0;
  return unlock(SUCCESS);
}
