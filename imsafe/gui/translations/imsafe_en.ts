<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
    <context>
        <name>AlertDesk</name>
        <message numerus="yes">
            <source>{0} alerts saved in {1}</source>
            <translation>
                <numerusform>{0} alert saved in {1}</numerusform>
                <numerusform>{0} alerts saved in {1}</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>AlertDetail</name>
        <message numerus="yes">
            <source>{count} alerts in {stretch}: {names}; this is the worst</source>
            <translation>
                <numerusform>{count} alert in {stretch}: {names}; this is the worst</numerusform>
                <numerusform>{count} alerts in {stretch}: {names}; this is the worst</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} calls above the threshold</source>
            <translation>
                <numerusform>{0} call above the threshold</numerusform>
                <numerusform>{0} calls above the threshold</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} calls lost before it</source>
            <translation>
                <numerusform>{0} call lost before it</numerusform>
                <numerusform>{0} calls lost before it</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>AlertList</name>
        <message numerus="yes">
            <source>{0} alerts</source>
            <translation>
                <numerusform>{0} alert</numerusform>
                <numerusform>{0} alerts</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} incidents</source>
            <comment>alerts in so many</comment>
            <translation>
                <numerusform>{0} incident</numerusform>
                <numerusform>{0} incidents</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} notices</source>
            <translation>
                <numerusform>{0} notice</numerusform>
                <numerusform>{0} notices</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>AlertModel</name>
        <message numerus="yes">
            <source>{0} times in {1}</source>
            <translation>
                <numerusform>{0} time in {1}</numerusform>
                <numerusform>{0} times in {1}</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} alerts in {1}</source>
            <translation>
                <numerusform>{0} alert in {1}</numerusform>
                <numerusform>{0} alerts in {1}</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>ApplicationForm</name>
        <message numerus="yes">
            <source>{0} calls</source>
            <comment>learned from</comment>
            <translation>
                <numerusform>{0} call</numerusform>
                <numerusform>{0} calls</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} processes</source>
            <comment>calls of</comment>
            <translation>
                <numerusform>{0} process</numerusform>
                <numerusform>{0} processes</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} calls were lost while recording.</source>
            <translation>
                <numerusform>{0} call was lost while recording.</numerusform>
                <numerusform>{0} calls were lost while recording.</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>Boxes</name>
        <message numerus="yes">
            <source>{0} rarer</source>
            <translation>
                <numerusform>{0} rarer</numerusform>
                <numerusform>{0} rarer</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} rarer calls after {1}</source>
            <translation>
                <numerusform>{0} rarer call after {1}</numerusform>
                <numerusform>{0} rarer calls after {1}</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>Chatter</name>
        <message numerus="yes">
            <source>({0} more lines are not shown)</source>
            <translation>
                <numerusform>({0} more line is not shown)</numerusform>
                <numerusform>({0} more lines are not shown)</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>DriverDialog</name>
        <message numerus="yes">
            <source>{0} running processes match; only those that start later are traced.</source>
            <translation>
                <numerusform>{0} running process matches; only those that start later are traced.</numerusform>
                <numerusform>{0} running processes match; only those that start later are traced.</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} running processes match: {1}</source>
            <translation>
                <numerusform>{0} running process matches: {1}</numerusform>
                <numerusform>{0} running processes match: {1}</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>Learn</name>
        <message numerus="yes">
            <source>{0} calls</source>
            <translation>
                <numerusform>{0} call</numerusform>
                <numerusform>{0} calls</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} sequences</source>
            <translation>
                <numerusform>{0} sequence</numerusform>
                <numerusform>{0} sequences</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>LearnDialog</name>
        <message numerus="yes">
            <source>{0} calls.</source>
            <translation>
                <numerusform>{0} call.</numerusform>
                <numerusform>{0} calls.</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} nodes.</source>
            <translation>
                <numerusform>{0} node.</numerusform>
                <numerusform>{0} nodes.</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>LogWindow</name>
        <message numerus="yes">
            <source>{0} lines</source>
            <translation>
                <numerusform>{0} line</numerusform>
                <numerusform>{0} lines</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} damaged lines left out</source>
            <translation>
                <numerusform>{0} damaged line left out</numerusform>
                <numerusform>{0} damaged lines left out</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>Notifier</name>
        <message numerus="yes">
            <source>ImSafe: {0} alerts in {1}</source>
            <translation>
                <numerusform>ImSafe: {0} alert in {1}</numerusform>
                <numerusform>ImSafe: {0} alerts in {1}</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>ImSafe: {0} alerts in {1} incidents</source>
            <translation>
                <numerusform>ImSafe: {0} alert in {1} incidents</numerusform>
                <numerusform>ImSafe: {0} alerts in {1} incidents</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>ProcessList</name>
        <message numerus="yes">
            <source>{0} threads</source>
            <translation>
                <numerusform>{0} thread</numerusform>
                <numerusform>{0} threads</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} processes</source>
            <translation>
                <numerusform>{0} process</numerusform>
                <numerusform>{0} processes</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>Record</name>
        <message numerus="yes">
            <source>{0} processes</source>
            <comment>calls of</comment>
            <translation>
                <numerusform>{0} process</numerusform>
                <numerusform>{0} processes</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} calls</source>
            <translation>
                <numerusform>{0} call</numerusform>
                <numerusform>{0} calls</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} calls were lost</source>
            <translation>
                <numerusform>{0} call was lost</numerusform>
                <numerusform>{0} calls were lost</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>RecordDialog</name>
        <message numerus="yes">
            <source>{calls} calls, {size}B, {rate} calls/s, {time}</source>
            <translation>
                <numerusform>{calls} call, {size}B, {rate} calls/s, {time}</numerusform>
                <numerusform>{calls} calls, {size}B, {rate} calls/s, {time}</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} calls in {1}.</source>
            <translation>
                <numerusform>{0} call in {1}.</numerusform>
                <numerusform>{0} calls in {1}.</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} calls were lost.</source>
            <translation>
                <numerusform>{0} call was lost.</numerusform>
                <numerusform>{0} calls were lost.</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>TreeExport</name>
        <message numerus="yes">
            <source>Written: {0} ({1} bytes).</source>
            <translation>
                <numerusform>Written: {0} ({1} byte).</numerusform>
                <numerusform>Written: {0} ({1} bytes).</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>TreeModel</name>
        <message numerus="yes">
            <source>{0} processes</source>
            <comment>seen in</comment>
            <translation>
                <numerusform>{0} process</numerusform>
                <numerusform>{0} processes</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} times</source>
            <comment>seen so often</comment>
            <translation>
                <numerusform>{0} time</numerusform>
                <numerusform>{0} times</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>TreeWindow</name>
        <message numerus="yes">
            <source>{0} calls</source>
            <comment>learned from</comment>
            <translation>
                <numerusform>{0} call</numerusform>
                <numerusform>{0} calls</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} sequences of up to {1} calls, learned from {2}</source>
            <translation>
                <numerusform>{0} sequence of up to {1} calls, learned from {2}</numerusform>
                <numerusform>{0} sequences of up to {1} calls, learned from {2}</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} calls were lost while recording</source>
            <translation>
                <numerusform>{0} call was lost while recording</numerusform>
                <numerusform>{0} calls were lost while recording</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>WhatIfDialog</name>
        <message numerus="yes">
            <source>At {0:.3f} ({1} on normal behaviour): {3} alerts in {2}.</source>
            <translation>
                <numerusform>At {0:.3f} ({1} on normal behaviour): {3} alert in {2}.</numerusform>
                <numerusform>At {0:.3f} ({1} on normal behaviour): {3} alerts in {2}.</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>At {0:.3f} ({1} on normal behaviour): {3} alerts in {2}, {4} a day.</source>
            <translation>
                <numerusform>At {0:.3f} ({1} on normal behaviour): {3} alert in {2}, {4} a day.</numerusform>
                <numerusform>At {0:.3f} ({1} on normal behaviour): {3} alerts in {2}, {4} a day.</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>configure</name>
        <message numerus="yes">
            <source>{0} false alarms</source>
            <translation>
                <numerusform>{0} false alarm</numerusform>
                <numerusform>{0} false alarms</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>plot_readout</name>
        <message numerus="yes">
            <source>{0} alerts: click the triangle for the reason</source>
            <translation>
                <numerusform>{0} alert: click the triangle for the reason</numerusform>
                <numerusform>{0} alerts: click the triangle for the reason</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} alerts</source>
            <translation>
                <numerusform>{0} alert</numerusform>
                <numerusform>{0} alerts</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>status_line</name>
        <message numerus="yes">
            <source>io_uring in {0} processes</source>
            <translation>
                <numerusform>io_uring in {0} process</numerusform>
                <numerusform>io_uring in {0} processes</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} open alerts</source>
            <translation>
                <numerusform>{0} open alert</numerusform>
                <numerusform>{0} open alerts</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} sensors</source>
            <translation>
                <numerusform>{0} sensor</numerusform>
                <numerusform>{0} sensors</numerusform>
            </translation>
        </message>
    </context>
</TS>
