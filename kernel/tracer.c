// SPDX-License-Identifier: GPL-3.0-or-later
//
// ImSafe's part in the kernel: six small BPF programs.
//
// For readers new to eBPF: each function below is compiled to BPF byte code, checked by
// the kernel (it must end, and may touch no memory that it was not given), translated to
// machine code, and run each time its tracepoint is passed.  Programs talk to user space
// through maps, shared tables that both can see:
//
//   marks      one byte for every thread id: which application it belongs to.  Almost all
//              threads of a machine are none of ours, so the first thing that happens at a
//              system call is to look at that byte, and for them it is the last as well.
//   calls      a ring for each processor: one word of 8 bytes for each system call, and one more
//              where what the calls before had in common with it has changed.
//   lifecycle  a ring of another kind: threads that begin, load a program, end.  They have it to
//              themselves so that a flood of calls cannot push them out.
//   counters   how many records found no room.  Nothing is ever lost without being counted.
//   wakes      rouses user space, which sleeps until there is something to do.
//
// No structure of the kernel is read but one word (see `abi_of`), so the program needs no
// kernel headers and does not depend on how a kernel was built.
//
// User space gives, as -D options (imsafe/sources/ebpf/compile.py): PROCESSORS; RING_WORDS, how
// many words the ring of each holds, a power of two; LIFECYCLE_PAGES; FOLLOW_EXEC, 0 or 1;
// SIMULATE_LOSS, 0 or N; STATUS_OFFSET; KNOWS_TASK, whether the kernel describes its structures;
// DEEPEST_GROUP, how far below the root a control group is asked for, or 0.

#define MARK_BLOCKS 1024        /* times 4096 thread ids: as many as Linux can have */
#define NEVER 255               /* the mark of ImSafe's own threads: never followed */
#define MAX_APPLICATION 250
#define CLONE_THREAD 0x10000
#define NAME_SIZE 256
#define FILE_SIZE 4096
#define TOLD_SIZE 464           /* of a file name, what goes into the record of an exec */

enum kind { CALL, FORK, EXEC, EXIT };                               /* imsafe/events.py */
enum abi { UNKNOWN, X86_64, I386, X32, AARCH64, ARM };
#define OUT_OF_RANGE 0xffff
#define X32_BIT 0x40000000
#define NO_STATUS 0xffffffff    /* tracepoints do not tell how a thread ended */

struct event {                  /* imsafe.events.EVENT, byte for byte */
    u64 time_ns;
    u32 pid;
    u32 tid;
    u16 syscall;
    u8 abi;
    u8 kind;
    u32 aux;
};

struct birth_or_end {           /* imsafe/sources/ebpf/lifecycle.py reads both */
    struct event event;
    u32 parent;
    u8 application;
    u8 is_thread;
    u16 unused;
};

struct loading {
    struct event event;
    u32 parent;
    u8 application;             /* that it belongs to now; 0: it left */
    u8 unused[3];
    char comm[16];
    char file[TOLD_SIZE];
};

// The calls of one processor.  A ring of BPF's own has a lock and a header for each record, as
// any processor may write to it; this one has one writer, so nothing waits: the program runs to
// its end before it begins again on the same processor.
//
// A call is one word: its number, and the time since the call before it in this ring.  Its thread,
// the time where more has passed than 32 bits hold, and how many calls have been lost are words of
// their own, which hold from then on: mostly one thread makes many calls in a row.  So a ring
// holds three times the calls that it would as whole records, and a reader that is late loses
// none.  Cost: bench/overhead.py.
enum word { CALL_WORD, THREAD_WORD, TIME_WORD, LOST_WORD };         /* the upper two bits */
#define WORD(kind, value) ((u64)(kind) << 62 | (value))
#define MOST_WORDS 4            /* for one call */

struct ring {                   /* imsafe/sources/ebpf/ring.py reads it */
    u64 head;                   /* words written so far; the program's, as are the next three */
    u64 time_ns;                /* of the last call in here, */
    u64 thread;                 /* who made it, */
    u64 lost;                   /* and how many calls had been lost by then */
    u64 unused1[4];             /* a cache line for each, as each has another writer */
    u64 tail;                   /* words taken so far; user space's */
    u64 wake_at;                /* the word behind so many rouses user space; 0: it rests */
    u64 unused2[6];
    char octets[RING_WORDS * 8];    /* words; bcc would take an array of them one by one */
};

struct block { u8 marks[4096]; };
struct counters { u64 calls; u64 lifecycle; };
struct name { char text[NAME_SIZE]; };
struct scratch { struct name key; char file[FILE_SIZE + NAME_SIZE]; };

// BPF_F_MMAPABLE: user space maps the array and writes marks, or reads counters, as plain
// memory; it needs no right for that once it has the map.
BPF_F_TABLE("array", u32, struct block, marks, MARK_BLOCKS, BPF_F_MMAPABLE);
BPF_F_TABLE("array", u32, struct counters, counters, 1, BPF_F_MMAPABLE);
BPF_F_TABLE("array", u32, struct ring, calls, PROCESSORS, BPF_F_MMAPABLE);
BPF_RINGBUF_OUTPUT(lifecycle, LIFECYCLE_PAGES);
BPF_RINGBUF_OUTPUT(wakes, 1);

// What an executable must be called to belong to an application.
BPF_HASH(names, struct name, u8, 1024);         /* its base name, or comm */
BPF_HASH(paths, struct name, u8, 2048);         /* its full path, and that through links */
BPF_HASH(path_names, struct name, u8, 2048);    /* the base name of such a path */
BPF_HASH(groups, u64, u8, 4096);                /* its control group's id */
BPF_HASH(group_paths, struct name, u8, 1024);   /* that of one which is not there yet */

// Who started whom, for all of the machine: a process that becomes interesting by loading a
// program had a parent long before.  The oldest entries make room for new ones.
BPF_TABLE("lru_hash", u32, u32, parents, 16384);

BPF_PERCPU_ARRAY(scratches, struct scratch, 1); /* the stack of a BPF program is 512 bytes */

static __always_inline u8 *mark_of(u32 tid) {
    u32 number = tid >> 12;
    struct block *block = marks.lookup(&number);
    return block ? &block->marks[tid & 4095] : 0;
}

static __always_inline int is_followed(u8 mark) {
    return mark != 0 && mark <= MAX_APPLICATION;
}

static __always_inline void fill(struct event *event, u64 id, u8 kind, u32 aux) {
    event->time_ns = bpf_ktime_get_ns();        /* CLOCK_MONOTONIC */
    event->pid = id >> 32;
    event->tid = (u32)id;
    event->syscall = 0;
    event->abi = 0;
    event->kind = kind;
    event->aux = aux;
}

static __always_inline void rouse(void) {
    u8 nothing = 0;
    wakes.ringbuf_output(&nothing, sizeof(nothing), BPF_RB_FORCE_WAKEUP);
}

// What is no call comes seldom, and mostly with calls, which are looked at soon: only who rests
// has to be told.
static __always_inline void rouse_who_rests(void) {
    u32 processor = bpf_get_smp_processor_id();
    struct ring *ring = calls.lookup(&processor);
    if (ring && !*(volatile u64 *)&ring->wake_at)
        rouse();
}

static __always_inline void lost_lifecycle(void) {
    u32 zero = 0;
    struct counters *lost = counters.lookup(&zero);
    if (lost) __sync_fetch_and_add(&lost->lifecycle, 1);
}

// A call by `int 0x80` counts by the i386 table even in a 64-bit program.  The kernel notes
// that in its thread status (TS_COMPAT), which stands in thread_info, at the very beginning of
// task_struct: the one place where a kernel structure is read.
static __always_inline u8 abi_of(u64 *number) {
#if defined(__aarch64__)
    void *task = (void *)bpf_get_current_task();
    u64 flags = 0;              /* written with care, never run: no such machine was at hand */
    bpf_probe_read_kernel(&flags, sizeof(flags), task);
    return flags & (1 << 22) ? ARM : AARCH64;   /* TIF_32BIT */
#else
    u32 status = 0;
#if KNOWS_TASK
    void *task = (void *)bpf_get_current_task_btf();
    // The verifier knows this pointer's type and lets it be read like memory of our own; as
    // assembly because bcc would make a call of bpf_probe_read_kernel out of it again.
    asm volatile("%0 = *(u32 *)(%1 + %2)" : "=r"(status) : "r"(task), "i"(STATUS_OFFSET));
#else
    void *task = (void *)bpf_get_current_task();
    bpf_probe_read_kernel(&status, sizeof(status), task + STATUS_OFFSET);
#endif
    if (status & 2)             /* TS_COMPAT */
        return I386;
    if (*number & X32_BIT && *number < 0x80000000) {
        *number -= X32_BIT;
        return X32;
    }
    return X86_64;
#endif
}

// Every system call of the machine comes through here: keep it short.
RAW_TRACEPOINT_PROBE(sys_enter) {
    u64 id = bpf_get_current_pid_tgid();
    u8 *mark = mark_of(id);
    if (!mark || !is_followed(*mark))
        return 0;
    u32 zero = 0;
    struct counters *lost = counters.lookup(&zero);
    if (!lost)
        return 0;               /* never: the verifier wants to see it asked */
    u32 processor = bpf_get_smp_processor_id();
    struct ring *ring = calls.lookup(&processor);
    u64 waiting = ring ? ring->head - *(volatile u64 *)&ring->tail : RING_WORDS;
    int room = waiting <= RING_WORDS - MOST_WORDS;
#if SIMULATE_LOSS
    room = room && bpf_get_prandom_u32() % SIMULATE_LOSS;
#endif
    if (!room || !ring) {       /* full, or a processor that was not there at the start */
        __sync_fetch_and_add(&lost->calls, 1);
        return 0;
    }
    u64 number = ctx->args[1], abi = abi_of(&number), so_far = lost->calls;
    u64 now = bpf_ktime_get_ns(), since = now - ring->time_ns;      /* CLOCK_MONOTONIC */
    u64 *words = (u64 *)ring->octets, head = ring->head;
    if (id != ring->thread) {
        ring->thread = id;
        words[head++ & (RING_WORDS - 1)] = WORD(THREAD_WORD, id);
    }
    if (since >> 32) {
        since = 0;
        words[head++ & (RING_WORDS - 1)] = WORD(TIME_WORD, now);
    }
    if (so_far != ring->lost) {
        ring->lost = so_far;
        words[head++ & (RING_WORDS - 1)] = WORD(LOST_WORD, so_far);
    }
    if (number > OUT_OF_RANGE)
        number = OUT_OF_RANGE;
    words[head++ & (RING_WORDS - 1)] = WORD(CALL_WORD, abi << 48 | number << 32 | since);
    ring->time_ns = now;
    u64 written = head - ring->head;
    // The words are there before they count.  x86-64 keeps the order of stores; what another
    // processor may do is user space's to mind.
    asm volatile("" ::: "memory");
    *(volatile u64 *)&ring->head = head;
    if (*(volatile u64 *)&ring->wake_at - waiting < written)
        rouse();
    return 0;
}

// A thread or process is born; this runs in its parent, before the child's first step.
TRACEPOINT_PROBE(task, task_newtask) {
    u64 id = bpf_get_current_pid_tgid();
    u32 pid = id >> 32, child = args->pid;
    u8 is_thread = (args->clone_flags & CLONE_THREAD) != 0;
    u8 *own = mark_of(id), *its = mark_of(child);
    if (!own || !its)
        return 0;
    if (!is_thread)
        parents.update(&child, &pid);
    *its = *own;
    if (!is_followed(*own))
        return 0;
    struct birth_or_end *record = lifecycle.ringbuf_reserve(sizeof(struct birth_or_end));
    if (!record) {
        lost_lifecycle();
        return 0;
    }
    fill(&record->event, id, FORK, child);
    record->parent = pid;
    record->application = *own;
    record->is_thread = is_thread;
    record->unused = 0;
    lifecycle.ringbuf_submit(record, BPF_RB_NO_WAKEUP);
    rouse_who_rests();
    return 0;
}

TRACEPOINT_PROBE(sched, sched_process_exit) {
    u64 id = bpf_get_current_pid_tgid();
    u8 *own = mark_of(id);
    if (!own || !*own)
        return 0;
    u8 application = *own;
    *own = 0;                   /* the number may be used again */
    if (!is_followed(application))
        return 0;
    struct birth_or_end *record = lifecycle.ringbuf_reserve(sizeof(struct birth_or_end));
    if (!record) {
        lost_lifecycle();
        return 0;
    }
    fill(&record->event, id, EXIT, NO_STATUS);
    record->parent = 0;
    record->application = application;
    record->is_thread = 0;
    record->unused = 0;
    lifecycle.ringbuf_submit(record, BPF_RB_NO_WAKEUP);
    rouse_who_rests();
    return 0;
}

static __always_inline u8 found(u8 *application) {
    return application ? *application : 0;
}

// The application that a program of this file name belongs to; 0: none.
static __always_inline u8 wanted(struct scratch *scratch, u32 length) {
    u8 application;
    u32 start = 0, i;
    // The base name begins behind the last slash, at most 255 bytes before the end.
    for (i = 0; i < NAME_SIZE; i++) {
        u32 at = length - 2 - i;        /* length counts the final zero */
        if (at >= FILE_SIZE)            /* before the beginning: there is no slash */
            break;
        if (scratch->file[at] == '/') {
            start = at + 1;
            break;
        }
    }
    start &= FILE_SIZE - 1;
    __builtin_memset(&scratch->key, 0, sizeof(scratch->key));
    bpf_probe_read_kernel_str(scratch->key.text, NAME_SIZE, scratch->file + start);
    if ((application = found(names.lookup(&scratch->key))))
        return application;
    // Who runs ./program gives no full path, and there is no way to ask for it here: its
    // base name has to do.
    if (scratch->file[0] != '/' && (application = found(path_names.lookup(&scratch->key))))
        return application;
    __builtin_memset(&scratch->key, 0, sizeof(scratch->key));
    bpf_get_current_comm(scratch->key.text, 16);
    if ((application = found(names.lookup(&scratch->key))))
        return application;
    if (length <= NAME_SIZE) {
        __builtin_memset(&scratch->key, 0, sizeof(scratch->key));
        bpf_probe_read_kernel_str(scratch->key.text, NAME_SIZE, scratch->file);
        if ((application = found(paths.lookup(&scratch->key))))
            return application;
    }
#if DEEPEST_GROUP
    // A group holds the processes of those below it as well.
    for (i = 1; i <= DEEPEST_GROUP; i++) {
        u64 group = bpf_get_current_ancestor_cgroup_id(i);
        if ((application = found(groups.lookup(&group))))
            return application;
    }
#endif
    return 0;
}

// A process has loaded a program: it stays, joins or leaves.  A thread that was not the
// leader has the leader's number now; `old_pid` is what it had before.
TRACEPOINT_PROBE(sched, sched_process_exec) {
    u64 id = bpf_get_current_pid_tgid();
    u32 zero = 0, pid = id, former = args->old_pid;
    u8 *old = mark_of(former), *own = mark_of(pid);
    struct scratch *scratch = scratches.lookup(&zero);
    if (!old || !own || !scratch)
        return 0;
    u8 was = *old, now = was;
    *old = 0;
    *own = was;
    if (was == NEVER)
        return 0;
    // A text of a tracepoint stands behind its fixed fields; the low half of this says where.
    long length = bpf_probe_read_kernel_str(scratch->file, FILE_SIZE,
                                            (void *)args + (args->data_loc_filename & 0xffff));
    if (!was || !FOLLOW_EXEC)
        now = length > 1 && length <= FILE_SIZE ? wanted(scratch, length) : 0;
    *own = now;
    if (!was && !now)
        return 0;
    struct loading *record = lifecycle.ringbuf_reserve(sizeof(struct loading));
    if (!record) {
        lost_lifecycle();
        return 0;
    }
    u32 *parent = parents.lookup(&pid);
    fill(&record->event, id, EXEC, former);
    record->parent = parent ? *parent : 0;
    record->application = now;
    bpf_get_current_comm(record->comm, sizeof(record->comm));
    record->file[0] = 0;
    bpf_probe_read_kernel_str(record->file, TOLD_SIZE, scratch->file);
    lifecycle.ringbuf_submit(record, BPF_RB_NO_WAKEUP);
    rouse_who_rests();
    return 0;
}

#if DEEPEST_GROUP
// A control group that was asked for before it existed (a systemd unit not yet started).
TRACEPOINT_PROBE(cgroup, cgroup_mkdir) {
    u32 zero = 0;
    u64 group = args->id;
    struct scratch *scratch = scratches.lookup(&zero);
    if (!scratch || args->root)     /* only hierarchy 0 is of version 2 */
        return 0;
    __builtin_memset(&scratch->key, 0, sizeof(scratch->key));
    bpf_probe_read_kernel_str(scratch->key.text, NAME_SIZE,
                              (void *)args + (args->data_loc_path & 0xffff));
    u8 *application = group_paths.lookup(&scratch->key);
    if (application)
        groups.update(&group, application);
    return 0;
}

// It is gone: a unit that is started again has a new group with another id, and there is room
// for so many only.  Ids of other hierarchies may be the same.
TRACEPOINT_PROBE(cgroup, cgroup_rmdir) {
    u64 group = args->id;
    if (!args->root)
        groups.delete(&group);
    return 0;
}
#endif
