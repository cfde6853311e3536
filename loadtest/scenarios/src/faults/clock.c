/* Preloaded into a program: its real-time clock is ahead by the seconds that stand in the file $CLOCK_FILE, and how often it
   was asked meanwhile is counted there. Monotonic clocks are left alone, as they are when somebody sets a machine's clock. */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct shared {
    int64_t ahead;
    uint64_t asked;
};

static struct shared *shared;

__attribute__((constructor)) static void open_shared(void)
{
    const char *path = getenv("CLOCK_FILE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *memory = mmap(0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory != MAP_FAILED)
        shared = memory;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = syscall(SYS_clock_gettime, clock, time);
    if (result != 0 || !shared || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return result;
    int64_t ahead = __atomic_load_n(&shared->ahead, __ATOMIC_RELAXED);
    if (ahead != 0) {
        time->tv_sec += ahead;
        __atomic_fetch_add(&shared->asked, 1, __ATOMIC_RELAXED);
    }
    return 0;
}
