# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a profile was learned the way the chosen device would watch.  No Qt here."""

from __future__ import annotations

from imsafe.gui.device import Device, KernelDevice, SensorDevice
from imsafe.profile.glance import Glance
from imsafe.words import translate

_KERNEL, _PTRACE = "kernel", "ptrace"


def mode_difference(profile: Glance, device: Device | None) -> str:
    """How they differ, in a sentence; empty where they do not, or nothing is known.

    A trace that is replayed says itself how it was recorded; the monitor
    compares that when it reads it.
    """
    tracers = {tracer.partition("-")[0] for tracer, _ in profile.modes}
    learned = tracers & {_KERNEL, _PTRACE}
    if isinstance(device, KernelDevice):
        watched = _KERNEL
    elif isinstance(device, SensorDevice):
        watched = _PTRACE
    else:
        return ""
    if learned and watched not in learned:
        if watched == _KERNEL:
            return translate(
                "mode_check",
                "It was learned with a sensor, and the device is the driver: calls that only one of"
                " them sees will surprise. Better learn with the same.",
            )
        return translate(
            "mode_check",
            "It was learned with the driver, and the device is a sensor: calls that only one of"
            " them sees will surprise. Better learn with the same.",
        )
    followed = {follow for _, follow in profile.modes} - {None}
    if isinstance(device, KernelDevice) and followed == {not device.request.follow_exec}:
        if device.request.follow_exec:
            return translate(
                "mode_check",
                "It was learned without execve traced, and the device watches with execve traced:"
                " change that in the device, or learn again.",
            )
        return translate(
            "mode_check",
            "It was learned with execve traced, and the device watches without execve traced:"
            " change that in the device, or learn again.",
        )
    full = {tracer for tracer, _ in profile.modes if tracer.startswith(_PTRACE)} == {"ptrace-full"}
    program = device.program if isinstance(device, SensorDevice) else None
    if program is not None and program.argv and learned == {_PTRACE} and full != program.full:
        if full:
            return translate(
                "mode_check",
                "It was learned with all calls, also those that the program's own filter denies,"
                " and the sensor leaves them out: tick that in the device.",
            )
        return translate(
            "mode_check",
            "It was learned without the calls that the program's own filter denies, and the"
            " sensor sees them: untick that in the device, or learn again.",
        )
    return ""
