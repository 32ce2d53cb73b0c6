# SPDX-License-Identifier: GPL-3.0-or-later
"""What an empty plot says: what is awaited, or what to do next, with links that do it."""

from __future__ import annotations

from html import escape

from imsafe.gui.device import KernelDevice, SensorDevice
from imsafe.gui.watch import Watch
from imsafe.words import translate


def next_step(watch: Watch, *, configured: bool) -> str:
    """The text, as HTML; a link's target is the name of an action in `menus`.

    Parameters
    ----------
    watch
        The device and the monitor.
    configured
        Whether a behaviour database has been chosen.
    """
    device = watch.device
    if watch.attached:
        return translate(
            "next_step", "<h3>Attached</h3><p>The monitor has not seen a system call yet.</p>"
        )
    if watch.session is not None and watch.hello is None and watch.status is None:
        return translate(
            "next_step",
            "<h3>The monitor starts</h3><p>The very first time it is got ready for this machine,"
            " which takes a quarter of a minute.</p>",
        )
    if watch.session is not None:
        if isinstance(device, SensorDevice) and device.program is None:
            command = f"ims-sensor -s {device.sockets[0]} -- PROGRAM"
            return translate(
                "next_step",
                "<h3>Waiting for a sensor</h3><p>In a terminal, put a program under one:</p>"
                "<p><code>{0}</code></p>",
            ).format(escape(command))
        if isinstance(device, KernelDevice):
            return _of_tracer(watch, device)
        if device is None:
            return translate(
                "next_step", "<h3>The device is closed</h3><p>Choose another one under File.</p>"
            )
        return translate("next_step", "<h3>Waiting for system calls</h3>")
    ready = device is not None and configured
    steps = [
        (
            device is not None,
            translate(
                "next_step", "Device: {0}; <a href='close'>close it</a> to choose another."
            ).format(escape(str(device)))
            if device is not None
            else translate(
                "next_step",
                "Choose where system calls come from: <a href='driver'>connect to the driver</a>"
                " (any application, traced by the kernel), <a href='sensor'>connect to a"
                " sensor</a> (a program of yours), or <a href='trace'>open a recorded trace</a>.",
            ),
        ),
        (
            configured,
            translate(
                "next_step",
                "<a href='configure'>Choose a behaviour database</a>; if there is none yet,"
                " <a href='record'>record</a> the program at its normal work and"
                " <a href='learn'>learn</a> from that.",
            ),
        ),
        (
            False,
            translate("next_step", "<a href='start'>Start the monitor</a>.")
            if ready
            else translate("next_step", "Start the monitor."),
        ),
    ]
    items = "".join(
        f"<p>{'&#10003;' if done else place}&nbsp; {text}</p>"
        for place, (done, text) in enumerate(steps, 1)
    )
    guide = translate(
        "next_step",
        "<p>New here? The <a href='guide'>first steps</a> lead you from nothing to a live plot of"
        " a program of yours. Or, by hand:</p>",
    )
    return (
        translate("next_step", "<h3>Nothing is being watched</h3>")
        + ("" if configured else guide)
        + items
    )


def _of_tracer(watch: Watch, device: KernelDevice) -> str:
    rows = watch.status["sources"] if watch.status is not None else []
    latest = rows[-1] if rows else None
    if latest is not None and latest["problem"]:
        return translate(
            "next_step",
            "<h3>The kernel tracer does not run</h3><p>{0}</p>"
            "<p><a href='close'>Close the device</a>, then choose one again.</p>",
        ).format(escape(latest["problem"]))
    if latest is not None and latest["state"] == "waiting for permission":
        return translate(
            "next_step",
            "<h3>Waiting for permission</h3>"
            "<p>Only root can start the kernel tracer: you are asked for a password.</p>",
        )
    return translate("next_step", "<h3>Waiting for system calls</h3><p>of {0}</p>").format(
        escape(", ".join(map(str, device.request.targets)))
    )
