/* Hands its getppid calls to a supervisor, a thread of its own that lets them go
   on, makes 23 of them, and 29 getuid calls that nobody is asked about. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int ready[2];

static void *supervise(void *unused)
{
    int listener;
    if (read(ready[0], &listener, sizeof listener) != sizeof listener)
        _exit(3);
    for (;;) {
        struct seccomp_notif asked;
        memset(&asked, 0, sizeof asked);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked))
            continue;
        struct seccomp_notif_resp answer = {.id = asked.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

int main(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    pthread_t thread;
    if (pipe(ready) || pthread_create(&thread, NULL, supervise, NULL)
        || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return 1;
    int listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                           SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener < 0 || write(ready[1], &listener, sizeof listener) != sizeof listener)
        return 2;
    for (int i = 0; i < 23; i++)
        syscall(SYS_getppid);
    for (int i = 0; i < 29; i++)
        syscall(SYS_getuid);
    return 0;
}
