<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
    <context>
        <name>ActionTest</name>
        <message>
            <source>Test of the action</source>
            <translation>Test der Aktion</translation>
        </message>
        <message>
            <source>What the program said</source>
            <translation>Ausgabe des Programms</translation>
        </message>
        <message>
            <source>The program has said nothing.</source>
            <translation>Das Programm hat nichts ausgegeben.</translation>
        </message>
        <message>
            <source>What the program was given</source>
            <translation>Was dem Programm übergeben wurde</translation>
        </message>
        <message>
            <source>&amp;End it</source>
            <translation>&amp;Beenden</translation>
        </message>
        <message>
            <source>What it &amp;said (the monitor shows it among the messages):</source>
            <translation>Seine Au&amp;sgabe (die Überwachung zeigt sie unter den Meldungen):</translation>
        </message>
        <message>
            <source>What it was &amp;given, in its environment and on its input:</source>
            <translation>Was ihm über&amp;geben wurde, in der Umgebung und auf der Standardeingabe:</translation>
        </message>
        <message>
            <source>{0} runs...</source>
            <translation>{0} läuft...</translation>
        </message>
        <message>
            <source>{0} was ended by a signal after {1}.</source>
            <translation>{0} wurde nach {1} durch ein Signal beendet.</translation>
        </message>
        <message>
            <source>{0} ran for {1} and ended with status 0: all is well.</source>
            <translation>{0} lief {1} und endete mit Status 0: alles in Ordnung.</translation>
        </message>
        <message>
            <source>{0} ran for {1} and ended with status {2}: it says that something went wrong.</source>
            <translation>{0} lief {1} und endete mit Status {2}: Es meldet einen Fehler.</translation>
        </message>
        <message>
            <source>{0} cannot be executed; is its first line right, such as #!/bin/sh?</source>
            <translation>{0} kann nicht ausgeführt werden; stimmt die erste Zeile, etwa #!/bin/sh?</translation>
        </message>
    </context>
    <context>
        <name>AlertDesk</name>
        <message>
            <source>Alert: {0}</source>
            <translation>Alarm: {0}</translation>
        </message>
        <message>
            <source>Text (*.txt)</source>
            <translation>Text (*.txt)</translation>
        </message>
        <message>
            <source>Export alerts</source>
            <translation>Alarme exportieren</translation>
        </message>
        <message numerus="yes">
            <source>{0} alerts saved in {1}</source>
            <translation>
                <numerusform>{0} Alarm in {1} gespeichert</numerusform>
                <numerusform>{0} Alarme in {1} gespeichert</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>AlertDetail</name>
        <message>
            <source>Command:</source>
            <translation>Befehl:</translation>
        </message>
        <message>
            <source>Process:</source>
            <translation>Prozess:</translation>
        </message>
        <message>
            <source>Parents:</source>
            <translation>Eltern:</translation>
        </message>
        <message>
            <source>User:</source>
            <translation>Benutzer:</translation>
        </message>
        <message>
            <source>Incident:</source>
            <translation>Vorfall:</translation>
        </message>
        <message>
            <source>Score:</source>
            <translation>Score:</translation>
        </message>
        <message>
            <source>Reading:</source>
            <translation>Kennwert:</translation>
        </message>
        <message>
            <source>Time:</source>
            <translation>Zeit:</translation>
        </message>
        <message>
            <source>When an alert is selected, this pane tells why it was raised:
the calls that surprised, and what the profile expected there instead.</source>
            <translation>Ist ein Alarm ausgewählt, steht hier, warum er ausgelöst wurde:
die Aufrufe, die überraschten, und was das Profil dort stattdessen erwartete.</translation>
        </message>
        <message>
            <source>Add this sequence to the profile's normal behaviour; it can be undone</source>
            <translation>Diese Folge dem normalen Verhalten im Profil hinzufügen; das lässt sich rückgängig machen</translation>
        </message>
        <message>
            <source>&amp;Undo: not normal</source>
            <translation>&amp;Rückgängig: nicht normal</translation>
        </message>
        <message>
            <source>Take back that this was normal</source>
            <translation>Zurücknehmen, dass dies normal war</translation>
        </message>
        <message>
            <source>Replay &amp;black box</source>
            <translation>&amp;Blackbox abspielen</translation>
        </message>
        <message>
            <source>Co&amp;py</source>
            <translation>&amp;Kopieren</translation>
        </message>
        <message>
            <source>Put all of this on the clipboard, as text</source>
            <translation>All dies als Text in die Zwischenablage kopieren</translation>
        </message>
        <message>
            <source>unknown: it had ended before one could look</source>
            <translation>unbekannt: Er endete, bevor man nachsehen konnte</translation>
        </message>
        <message>
            <source>{peak:.3f} at its peak ({rarity}); threshold {threshold:.3f}</source>
            <translation>Spitze {peak:.3f} ({rarity}); Schwelle {threshold:.3f}</translation>
        </message>
        <message numerus="yes">
            <source>{count} alerts in {stretch}: {names}; this is the worst</source>
            <translation>
                <numerusform>{count} Alarm in {stretch}: {names}; dies ist der schwerste</numerusform>
                <numerusform>{count} Alarme in {stretch}: {names}; dies ist der schwerste</numerusform>
            </translation>
        </message>
        <message>
            <source>executable unknown</source>
            <translation>Programmdatei unbekannt</translation>
        </message>
        <message>
            <source>called {0}</source>
            <translation>genannt {0}</translation>
        </message>
        <message>
            <source>pid {0}</source>
            <translation>PID {0}</translation>
        </message>
        <message>
            <source>thread {0}</source>
            <translation>Thread {0}</translation>
        </message>
        <message>
            <source>started {0}, {1} before</source>
            <translation>gestartet {0}, {1} zuvor</translation>
        </message>
        <message>
            <source>burst: its latest calls, up to 20, are improbable</source>
            <translation>burst: Die letzten Aufrufe, bis zu 20, sind unwahrscheinlich</translation>
        </message>
        <message>
            <source>drift: its latest calls, up to 500, are unlike the program</source>
            <translation>drift: Die letzten Aufrufe, bis zu 500, passen nicht zum Programm</translation>
        </message>
        <message>
            <source>repertoire: no learned process used these calls together</source>
            <translation>repertoire: Kein gelernter Prozess nutzte diese Aufrufe zusammen</translation>
        </message>
        <message>
            <source>novelty: pairs of calls that were never seen, close together</source>
            <translation>novelty: nie gesehene Paare von Aufrufen, dicht beieinander</translation>
        </message>
        <message>
            <source>program: no learned process ran it</source>
            <translation>program: Kein gelernter Prozess hat es ausgeführt</translation>
        </message>
        <message>
            <source>over after {0}</source>
            <translation>vorbei nach {0}</translation>
        </message>
        <message numerus="yes">
            <source>{0} calls above the threshold</source>
            <translation>
                <numerusform>{0} Aufruf über der Schwelle</numerusform>
                <numerusform>{0} Aufrufe über der Schwelle</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} calls lost before it</source>
            <translation>
                <numerusform>{0} Aufruf davor verloren</numerusform>
                <numerusform>{0} Aufrufe davor verloren</numerusform>
            </translation>
        </message>
        <message>
            <source>{text}

{application}: {comm}, pid {pid}, thread {tid}, {exe}, {time}

The kernel does what a program queues in such a ring (open, read, connect and much more) without a system call, so no tracer of system calls can see it. This is no alert: many programs work so. Where the program has no need of it, forbid it: SystemCallFilter=~io_uring_setup in its systemd unit, or for the whole machine sysctl kernel.io_uring_disabled=2 (Linux 6.6 and later).</source>
            <translation>{text}

{application}: {comm}, PID {pid}, Thread {tid}, {exe}, {time}

Was ein Programm in einen solchen Ring einreiht (open, read, connect und vieles mehr), führt der Kernel ohne Systemaufruf aus; kein Tracer für Systemaufrufe kann es sehen. Dies ist kein Alarm: Viele Programme arbeiten so. Braucht das Programm es nicht, verbieten Sie es: SystemCallFilter=~io_uring_setup in seiner systemd-Unit, oder für den ganzen Rechner sysctl kernel.io_uring_disabled=2 (ab Linux 6.6).</translation>
        </message>
        <message>
            <source>All {0} were &amp;normal</source>
            <translation>Alle {0} waren &amp;normal</translation>
        </message>
        <message>
            <source>This was &amp;normal</source>
            <translation>Das war &amp;normal</translation>
        </message>
        <message>
            <source>Not &amp;acknowledged</source>
            <translation>Nicht &amp;quittiert</translation>
        </message>
        <message>
            <source>&amp;Acknowledge</source>
            <translation>&amp;Quittieren</translation>
        </message>
        <message>
            <source>You have seen to it: it stays in the list, and is not counted any more</source>
            <translation>Sie haben sich darum gekümmert: Er bleibt in der Liste und zählt nicht mehr</translation>
        </message>
        <message>
            <source>Replay the calls around the alert in a window of their own, from</source>
            <translation>Die Aufrufe um den Alarm in einem eigenen Fenster abspielen, aus</translation>
        </message>
        <message>
            <source>There is no black box of this alert (yet): it is written 500 calls later</source>
            <translation>Zu diesem Alarm gibt es (noch) keine Blackbox: Sie wird 500 Aufrufe später geschrieben</translation>
        </message>
    </context>
    <context>
        <name>AlertList</name>
        <message>
            <source>Search</source>
            <translation>Suchen</translation>
        </message>
        <message>
            <source>Alerts with all these words: program, command, user, parents, pid, call... pid:4711 is that process alone.</source>
            <translation>Alarme mit all diesen Wörtern: Programm, Befehl, Benutzer, Eltern, PID, Aufruf... pid:4711 ist dieser Prozess allein.</translation>
        </message>
        <message>
            <source>Search of the alerts</source>
            <translation>Suche in den Alarmen</translation>
        </message>
        <message>
            <source>All</source>
            <translation>Alle</translation>
        </message>
        <message>
            <source>Not seen</source>
            <translation>Nicht gesehen</translation>
        </message>
        <message>
            <source>Open</source>
            <translation>Offen</translation>
        </message>
        <message>
            <source>Which alerts are listed</source>
            <translation>Welche Alarme in der Liste stehen</translation>
        </message>
        <message>
            <source>E&amp;xport...</source>
            <translation>E&amp;xportieren...</translation>
        </message>
        <message>
            <source>Save the alerts that are listed as JSON, CSV or text</source>
            <translation>Die Alarme der Liste als JSON, CSV oder Text speichern</translation>
        </message>
        <message>
            <source>Alerts</source>
            <translation>Alarme</translation>
        </message>
        <message>
            <source>&amp;Acknowledge</source>
            <translation>&amp;Quittieren</translation>
        </message>
        <message>
            <source>Not acknowledged after all</source>
            <translation>Doch nicht quittiert</translation>
        </message>
        <message>
            <source>This was &amp;normal</source>
            <translation>Das war &amp;normal</translation>
        </message>
        <message>
            <source>&amp;Copy</source>
            <translation>&amp;Kopieren</translation>
        </message>
        <message numerus="yes">
            <source>{0} alerts</source>
            <translation>
                <numerusform>{0} Alarm</numerusform>
                <numerusform>{0} Alarme</numerusform>
            </translation>
        </message>
        <message>
            <source>No alerts</source>
            <translation>Keine Alarme</translation>
        </message>
        <message numerus="yes">
            <source>{0} incidents</source>
            <comment>alerts in so many</comment>
            <translation>
                <numerusform>{0} Vorfall</numerusform>
                <numerusform>{0} Vorfällen</numerusform>
            </translation>
        </message>
        <message>
            <source>{0} in {1}</source>
            <translation>{0} in {1}</translation>
        </message>
        <message numerus="yes">
            <source>{0} notices</source>
            <translation>
                <numerusform>{0} Hinweis</numerusform>
                <numerusform>{0} Hinweise</numerusform>
            </translation>
        </message>
        <message>
            <source>No alert fits the search.</source>
            <translation>Kein Alarm passt zur Suche.</translation>
        </message>
        <message>
            <source>There is no alert.
A score above the threshold raises one.</source>
            <translation>Es gibt keinen Alarm.
Ein Score über der Schwelle löst einen aus.</translation>
        </message>
    </context>
    <context>
        <name>AlertModel</name>
        <message>
            <source>Time</source>
            <translation>Zeit</translation>
        </message>
        <message>
            <source>Application</source>
            <translation>Anwendung</translation>
        </message>
        <message>
            <source>Process</source>
            <translation>Prozess</translation>
        </message>
        <message>
            <source>Alerts</source>
            <translation>Alarme</translation>
        </message>
        <message>
            <source>Peak</source>
            <translation>Spitze</translation>
        </message>
        <message>
            <source>State</source>
            <translation>Zustand</translation>
        </message>
        <message>
            <source>What surprised</source>
            <translation>Auffällig</translation>
        </message>
        <message>
            <source>new program</source>
            <translation>neues Programm</translation>
        </message>
        <message>
            <source>{0} and {1} more</source>
            <translation>{0} und {1} weitere</translation>
        </message>
        <message numerus="yes">
            <source>{0} times in {1}</source>
            <translation>
                <numerusform>{0}-mal in {1}</numerusform>
                <numerusform>{0}-mal in {1}</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} alerts in {1}</source>
            <translation>
                <numerusform>{0} in {1}</numerusform>
                <numerusform>{0} in {1}</numerusform>
            </translation>
        </message>
        <message>
            <source>normal</source>
            <translation>normal</translation>
        </message>
        <message>
            <source>seen</source>
            <translation>gesehen</translation>
        </message>
        <message>
            <source>open</source>
            <translation>offen</translation>
        </message>
        <message>
            <source>over</source>
            <translation>vorbei</translation>
        </message>
        <message>
            <source>notice</source>
            <translation>Hinweis</translation>
        </message>
        <message>
            <source>Somebody has acknowledged it.</source>
            <translation>Jemand hat ihn quittiert.</translation>
        </message>
    </context>
    <context>
        <name>ApplicationForm</name>
        <message>
            <source>any (needed only to watch several)</source>
            <translation>beliebig (nur nötig, um mehrere zu überwachen)</translation>
        </message>
        <message>
            <source>The application's name as its tracer gives it</source>
            <translation>Der Name der Anwendung, wie ihn der Tracer nennt</translation>
        </message>
        <message>
            <source>Behaviour database</source>
            <translation>Verhaltensdatenbank</translation>
        </message>
        <message>
            <source>Behaviour databases (*.db);;All files (*)</source>
            <translation>Verhaltensdatenbanken (*.db);;Alle Dateien (*)</translation>
        </message>
        <message>
            <source>As the database suggests</source>
            <translation>Wie von der Datenbank vorgeschlagen</translation>
        </message>
        <message>
            <source>Use &amp;suggested value</source>
            <translation>&amp;Vorschlag übernehmen</translation>
        </message>
        <message>
            <source>&amp;What if...</source>
            <translation>Was &amp;wäre wenn...</translation>
        </message>
        <message>
            <source>See the alerts of a threshold in a recording</source>
            <translation>Zeigt, welche Alarme eine Schwelle in einer Aufzeichnung auslöst</translation>
        </message>
        <message>
            <source>Applicatio&amp;n:</source>
            <translation>A&amp;nwendung:</translation>
        </message>
        <message>
            <source>Behaviour &amp;database:</source>
            <translation>Verhaltens&amp;datenbank:</translation>
        </message>
        <message>
            <source>Anomaly t&amp;hreshold:</source>
            <translation>Anomalieschwe&amp;lle:</translation>
        </message>
        <message>
            <source>reached by {0} on normal behaviour</source>
            <translation>{0} bei normalem Verhalten</translation>
        </message>
        <message numerus="yes">
            <source>{0} calls</source>
            <comment>learned from</comment>
            <translation>
                <numerusform>{0} Aufruf</numerusform>
                <numerusform>{0} Aufrufen</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} processes</source>
            <comment>calls of</comment>
            <translation>
                <numerusform>{0} Prozess</numerusform>
                <numerusform>{0} Prozessen</numerusform>
            </translation>
        </message>
        <message>
            <source>Learned from {0} of {1} ({2}).</source>
            <translation>Gelernt aus {0} von {1} ({2}).</translation>
        </message>
        <message>
            <source>Learned from {0} of {1}.</source>
            <translation>Gelernt aus {0} von {1}.</translation>
        </message>
        <message numerus="yes">
            <source>{0} calls were lost while recording.</source>
            <translation>
                <numerusform>Beim Aufzeichnen ging {0} Aufruf verloren.</numerusform>
                <numerusform>Beim Aufzeichnen gingen {0} Aufrufe verloren.</numerusform>
            </translation>
        </message>
        <message>
            <source>{0}. Record and learn more, or set a threshold yourself.</source>
            <translation>{0}. Zeichnen Sie mehr auf und lernen Sie daraus, oder setzen Sie selbst eine Schwelle.</translation>
        </message>
        <message>
            <source>The price: expect about {0} in a million normal calls.</source>
            <translation>Der Preis: etwa {0} je Million normaler Aufrufe.</translation>
        </message>
        <message>
            <source>The price: expect about {0} in a million normal calls, {1} a day at the pace that was learned.</source>
            <translation>Der Preis: etwa {0} je Million normaler Aufrufe, {1} am Tag bei der gelernten Geschwindigkeit.</translation>
        </message>
        <message>
            <source>The price: expect about {0} in a million normal calls, {1} a day at the pace that was learned; what was counted rules out more than {2} a day.</source>
            <translation>Der Preis: etwa {0} je Million normaler Aufrufe, {1} am Tag bei der gelernten Geschwindigkeit; die Zählung schließt mehr als {2} am Tag aus.</translation>
        </message>
    </context>
    <context>
        <name>AttachDialog</name>
        <message>
            <source>Attach to a running monitor</source>
            <translation>An eine laufende Überwachung anhängen</translation>
        </message>
        <message>
            <source>Monitors that run as services</source>
            <translation>Überwachungen, die als Dienste laufen</translation>
        </message>
        <message>
            <source>View socket</source>
            <translation>View-Socket</translation>
        </message>
        <message>
            <source>&amp;Attach</source>
            <translation>&amp;Anhängen</translation>
        </message>
        <message>
            <source>The window shows what the monitor sees, and its history. Detaching lets it go on as it is. Its own user and root may also steer it.</source>
            <translation>Das Fenster zeigt, was die Überwachung sieht, und ihren Verlauf. Nach dem Trennen läuft sie unverändert weiter. Ihr eigener Benutzer und root dürfen sie auch steuern.</translation>
        </message>
        <message>
            <source>View &amp;socket:</source>
            <translation>View-&amp;Socket:</translation>
        </message>
        <message>
            <source>Monitors that run as services:</source>
            <translation>Überwachungen, die als Dienste laufen:</translation>
        </message>
        <message>
            <source>None was found.</source>
            <translation>Es wurde keine gefunden.</translation>
        </message>
        <message>
            <source>{0}   {1}</source>
            <translation>{0}   {1}</translation>
        </message>
        <message>
            <source>{0}   {1}   (not for you)</source>
            <translation>{0}   {1}   (nicht für Sie)</translation>
        </message>
    </context>
    <context>
        <name>Boxes</name>
        <message>
            <source>Sequences as boxes</source>
            <translation>Folgen als Kästen</translation>
        </message>
        <message>
            <source>Each column is one call further in the sequence; the higher a box, the more often the sequence was seen. Click a box to see what comes after it, the first column to go back. The arrow keys move, Enter zooms in, Backspace out.</source>
            <translation>Jede Spalte ist ein Aufruf weiter in der Folge; je höher ein Kasten, desto öfter wurde die Folge gesehen. Ein Klick auf einen Kasten zeigt, was danach kommt, auf die erste Spalte führt er zurück. Die Pfeiltasten bewegen, die Eingabetaste vergrößert, die Rücktaste verkleinert.</translation>
        </message>
        <message numerus="yes">
            <source>{0} rarer</source>
            <translation>
                <numerusform>{0} seltenerer</numerusform>
                <numerusform>{0} seltenere</numerusform>
            </translation>
        </message>
        <message>
            <source>start</source>
            <translation>Anfang</translation>
        </message>
        <message>
            <source>the start</source>
            <translation>der Anfang</translation>
        </message>
        <message numerus="yes">
            <source>{0} rarer calls after {1}</source>
            <translation>
                <numerusform>{0} seltenerer Aufruf nach {1}</numerusform>
                <numerusform>{0} seltenere Aufrufe nach {1}</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>CallModel</name>
        <message>
            <source>Call</source>
            <translation>Aufruf</translation>
        </message>
        <message>
            <source>Surprise</source>
            <translation>Überraschung</translation>
        </message>
        <message>
            <source>Expected instead</source>
            <translation>Stattdessen erwartet</translation>
        </message>
        <message>
            <source>Probability here: {0}</source>
            <translation>Wahrscheinlichkeit hier: {0}</translation>
        </message>
        <message>
            <source>{0} bits</source>
            <translation>{0} Bit</translation>
        </message>
        <message>
            <source>With this call the score crossed the threshold.</source>
            <translation>Mit diesem Aufruf überschritt der Score die Schwelle.</translation>
        </message>
    </context>
    <context>
        <name>CallTable</name>
        <message>
            <source>Calls of the alert</source>
            <translation>Aufrufe des Alarms</translation>
        </message>
    </context>
    <context>
        <name>CallsPane</name>
        <message>
            <source>Calls around the point</source>
            <translation>Aufrufe um den Punkt</translation>
        </message>
        <message>
            <source>Click a point of the plot to see what the thread called around it,
and what the profile expected instead.</source>
            <translation>Klicken Sie auf einen Punkt im Diagramm, um zu sehen, was der Thread
dort aufrief und was das Profil stattdessen erwartete.</translation>
        </message>
        <message>
            <source>from the monitor's memory</source>
            <translation>aus dem Speicher der Überwachung</translation>
        </message>
        <message>
            <source>from the black box of an alert</source>
            <translation>aus der Blackbox eines Alarms</translation>
        </message>
        <message>
            <source>from the recording</source>
            <translation>aus der Aufzeichnung</translation>
        </message>
        <message>
            <source>{0}, pid {1}, thread {2}</source>
            <translation>{0}, PID {1}, Thread {2}</translation>
        </message>
        <message>
            <source>a process</source>
            <translation>ein Prozess</translation>
        </message>
        <message>
            <source>{0}: the calls around {1}, {2}</source>
            <translation>{0}: die Aufrufe um {1}, {2}</translation>
        </message>
    </context>
    <context>
        <name>Chatter</name>
        <message numerus="yes">
            <source>({0} more lines are not shown)</source>
            <translation>
                <numerusform>({0} weitere Zeile wird nicht gezeigt)</numerusform>
                <numerusform>({0} weitere Zeilen werden nicht gezeigt)</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>Child</name>
        <message>
            <source>{0} cannot be started: {1}.</source>
            <translation>{0} kann nicht gestartet werden: {1}.</translation>
        </message>
        <message>
            <source>ims-{0} has a bug and ended: {1}</source>
            <translation>ims-{0} hat einen Programmfehler und endete: {1}</translation>
        </message>
        <message>
            <source>ims-{0} was killed ({1}).</source>
            <translation>ims-{0} wurde gewaltsam beendet ({1}).</translation>
        </message>
    </context>
    <context>
        <name>Choose</name>
        <message>
            <source>Which program shall be watched?</source>
            <translation>Welches Programm soll überwacht werden?</translation>
        </message>
        <message>
            <source>ImSafe first learns what it normally does, then tells when it does something else.</source>
            <translation>ImSafe lernt zuerst, was es normalerweise tut, und meldet dann, wenn es etwas anderes tut.</translation>
        </message>
        <message>
            <source>A program that I &amp;start now; no rights are needed:</source>
            <translation>Ein Programm, das &amp;jetzt gestartet wird; dafür sind keine Rechte nötig:</translation>
        </message>
        <message>
            <source>command and arguments, such as: python3 server.py</source>
            <translation>Befehl und Argumente, etwa: python3 server.py</translation>
        </message>
        <message>
            <source>Command and arguments</source>
            <translation>Befehl und Argumente</translation>
        </message>
        <message>
            <source>A program that &amp;runs already, such as a service; you may be asked for root's password:</source>
            <translation>Ein Programm, das schon &amp;läuft, etwa ein Dienst; vielleicht wird nach dem root-Passwort gefragt:</translation>
        </message>
        <message>
            <source>its name, such as nginx; what runs is proposed</source>
            <translation>sein Name, etwa nginx; was läuft, wird vorgeschlagen</translation>
        </message>
        <message>
            <source>Name of a running program</source>
            <translation>Name eines laufenden Programms</translation>
        </message>
        <message>
            <source>Folder for what is recorded</source>
            <translation>Ordner für Aufzeichnungen</translation>
        </message>
        <message>
            <source>&amp;Keep recording and profile in:</source>
            <translation>&amp;Ordner für Aufzeichnung und Profil:</translation>
        </message>
        <message>
            <source>Give the full path of a folder.</source>
            <translation>Geben Sie den vollen Pfad eines Ordners an.</translation>
        </message>
        <message>
            <source>{0} is not a folder.</source>
            <translation>{0} ist kein Ordner.</translation>
        </message>
        <message>
            <source>There is no program {0}; give its full path.</source>
            <translation>Es gibt kein Programm {0}; geben Sie den vollen Pfad an.</translation>
        </message>
        <message>
            <source>Type the name of a program.</source>
            <translation>Geben Sie den Namen eines Programms ein.</translation>
        </message>
        <message>
            <source>Cannot make the folder {0}: {1}.</source>
            <translation>Der Ordner {0} kann nicht angelegt werden: {1}.</translation>
        </message>
    </context>
    <context>
        <name>ConfigureDialog</name>
        <message>
            <source>Configure the monitor</source>
            <translation>Überwachung konfigurieren</translation>
        </message>
        <message>
            <source>Applications</source>
            <translation>Anwendungen</translation>
        </message>
        <message>
            <source>&amp;Add</source>
            <translation>&amp;Hinzufügen</translation>
        </message>
        <message>
            <source>&amp;Remove</source>
            <translation>&amp;Entfernen</translation>
        </message>
        <message>
            <source>Log to file</source>
            <translation>Protokolldatei</translation>
        </message>
        <message>
            <source>Score logs (*.log);;All files (*)</source>
            <translation>Score-Protokolle (*.log);;Alle Dateien (*)</translation>
        </message>
        <message>
            <source>none; needed to plot the complete history</source>
            <translation>keine; nötig, um den ganzen Verlauf zu zeichnen</translation>
        </message>
        <message>
            <source>Record to file</source>
            <translation>Aufzeichnungsdatei</translation>
        </message>
        <message>
            <source>Traces (*.imt);;All files (*)</source>
            <translation>Aufzeichnungen (*.imt);;Alle Dateien (*)</translation>
        </message>
        <message>
            <source>none; keeps what is watched, to replay</source>
            <translation>keine; bewahrt das Überwachte zum Abspielen auf</translation>
        </message>
        <message>
            <source>Execute on alert</source>
            <translation>Bei Alarm ausführen</translation>
        </message>
        <message>
            <source>none; a program that gets the alert as JSON on its input</source>
            <translation>nichts; ein Programm, das den Alarm als JSON auf der Eingabe erhält</translation>
        </message>
        <message>
            <source>&amp;Test</source>
            <translation>&amp;Testen</translation>
        </message>
        <message>
            <source>Execute it now with a made-up alert</source>
            <translation>Jetzt mit einem erfundenen Alarm ausführen</translation>
        </message>
        <message>
            <source>While monitoring</source>
            <translation>Während der Überwachung</translation>
        </message>
        <message>
            <source>&amp;Log to file:</source>
            <translation>&amp;Protokolldatei:</translation>
        </message>
        <message>
            <source>Re&amp;cord to file:</source>
            <translation>Auf&amp;zeichnungsdatei:</translation>
        </message>
        <message>
            <source>&amp;Execute on alert:</source>
            <translation>&amp;Bei Alarm ausführen:</translation>
        </message>
        <message>
            <source>Which of several applications of one device this profile is for. One alone needs no name.</source>
            <translation>Für welche von mehreren Anwendungen eines Geräts dieses Profil gilt. Eine einzelne braucht keinen Namen.</translation>
        </message>
        <message>
            <source>What is normal, as Tools &gt; Learn profile has made it.</source>
            <translation>Was normal ist, erstellt mit Werkzeuge &gt; Profil lernen.</translation>
        </message>
        <message>
            <source>A score above it is an alert. 0.5 is reached by one in 1,000 on normal behaviour, 0.667 by one in 10,000.</source>
            <translation>Ein Score darüber ist ein Alarm. 0.5 wird bei normalem Verhalten von einem unter 1 000 erreicht, 0.667 von einem unter 10 000.</translation>
        </message>
        <message>
            <source>The complete history of the scores, as text. It is continued if it exists; Monitor &gt; Plot graph shows it.</source>
            <translation>Der ganze Verlauf der Scores, als Text. Eine vorhandene Datei wird fortgesetzt; Überwachung &gt; Diagramm zeichnen zeigt sie.</translation>
        </message>
        <message>
            <source>All calls that are watched, to be replayed or learned. It is continued if it exists.</source>
            <translation>Alle überwachten Aufrufe, zum Abspielen oder Lernen. Eine vorhandene Datei wird fortgesetzt.</translation>
        </message>
        <message>
            <source>A program, with no arguments and no shell. It gets the alert as JSON on its input, the most important of it in IMSAFE_...</source>
            <translation>Ein Programm, ohne Argumente und ohne Shell. Es erhält den Alarm als JSON auf der Eingabe, das Wichtigste davon in IMSAFE_...</translation>
        </message>
        <message>
            <source>any application</source>
            <translation>beliebige Anwendung</translation>
        </message>
    </context>
    <context>
        <name>CrashDialog</name>
        <message>
            <source>ImSafe has a bug</source>
            <translation>ImSafe hat einen Programmfehler</translation>
        </message>
        <message>
            <source>The window crashed when it ran last: a bug of ImSafe or of what it is built on, not a fault of yours. A monitor that it had started ended with it; what was recorded, learned and told until then is in its files. Please send this report to the developers.</source>
            <translation>Das Fenster ist beim letzten Mal abgestürzt: ein Fehler von ImSafe oder dem, worauf es aufbaut, nicht von Ihnen. Eine Überwachung, die es gestartet hatte, endete mit ihm; was bis dahin aufgezeichnet, gelernt und gemeldet war, ist in seinen Dateien. Bitte senden Sie diesen Bericht an die Entwickler.</translation>
        </message>
        <message>
            <source>Something happened that should not: a bug of ImSafe, not a fault of yours. The window goes on; a running monitor is not affected, as it is a process of its own. Please send this report to the developers.</source>
            <translation>Es ist etwas geschehen, das nicht geschehen sollte: ein Fehler von ImSafe, nicht von Ihnen. Das Fenster arbeitet weiter; eine laufende Überwachung ist nicht betroffen, sie ist ein eigener Prozess. Bitte senden Sie diesen Bericht an die Entwickler.</translation>
        </message>
        <message>
            <source>Report</source>
            <translation>Bericht</translation>
        </message>
        <message>
            <source>&amp;Copy report</source>
            <translation>Bericht &amp;kopieren</translation>
        </message>
    </context>
    <context>
        <name>DriverDialog</name>
        <message>
            <source>Connect to driver</source>
            <translation>Mit Treiber verbinden</translation>
        </message>
        <message>
            <source>Name</source>
            <translation>Name</translation>
        </message>
        <message>
            <source>Path</source>
            <translation>Pfad</translation>
        </message>
        <message>
            <source>Process id</source>
            <translation>Prozessnummer</translation>
        </message>
        <message>
            <source>systemd unit</source>
            <translation>systemd-Unit</translation>
        </message>
        <message>
            <source>Control group</source>
            <translation>Control-Group</translation>
        </message>
        <message>
            <source>This window runs as root, and need not: run it as yourself. Only the tracer is root, while it starts.</source>
            <translation>Dieses Fenster läuft als root, ohne dass es nötig wäre: Starten Sie es unter Ihrem eigenen Namen. Nur der Tracer ist root, solange er startet.</translation>
        </message>
        <message>
            <source>&amp;Connect</source>
            <translation>&amp;Verbinden</translation>
        </message>
        <message>
            <source>Device name</source>
            <translation>Gerätename</translation>
        </message>
        <message>
            <source>Leave it, unless a tracer listens on a socket of its own</source>
            <translation>Lassen Sie das so, außer ein Tracer lauscht an einem eigenen Socket</translation>
        </message>
        <message>
            <source>auto starts a kernel tracer: you may be asked for a password, since only root can do that. A path is the socket of a tracer that runs already, such as the one that systemd starts.</source>
            <translation>auto startet einen Kernel-Tracer: Vielleicht wird nach einem Passwort gefragt, denn das kann nur root. Ein Pfad ist der Socket eines Tracers, der schon läuft, etwa dessen, den systemd startet.</translation>
        </message>
        <message>
            <source>How the application is named</source>
            <translation>Wie die Anwendung benannt wird</translation>
        </message>
        <message>
            <source>By what the application is known</source>
            <translation>Woran die Anwendung zu erkennen ist</translation>
        </message>
        <message>
            <source>program, such as nginx or in.ftpd</source>
            <translation>Programm, etwa nginx oder in.ftpd</translation>
        </message>
        <message>
            <source>number of a running process</source>
            <translation>Nummer eines laufenden Prozesses</translation>
        </message>
        <message>
            <source>such as nginx.service</source>
            <translation>etwa nginx.service</translation>
        </message>
        <message>
            <source>Program to trace</source>
            <translation>Zu verfolgendes Programm</translation>
        </message>
        <message>
            <source>Application to trace</source>
            <translation>Zu verfolgende Anwendung</translation>
        </message>
        <message>
            <source>Type; what runs now is proposed</source>
            <translation>Tippen Sie; was gerade läuft, wird vorgeschlagen</translation>
        </message>
        <message>
            <source>&amp;Add</source>
            <translation>&amp;Hinzufügen</translation>
        </message>
        <message>
            <source>Trace this too, and name another one</source>
            <translation>Auch diese verfolgen und eine weitere nennen</translation>
        </message>
        <message>
            <source>The base name of the program or script, also of one that has not started yet; all its processes are traced, and their children.</source>
            <translation>Der Name des Programms oder Skripts ohne Pfad, auch wenn es noch nicht läuft; alle seine Prozesse werden verfolgt, samt ihren Kindern.</translation>
        </message>
        <message>
            <source>The full path of the program.</source>
            <translation>Der volle Pfad des Programms.</translation>
        </message>
        <message>
            <source>A process that runs already, with its threads and children.</source>
            <translation>Ein Prozess, der schon läuft, mit seinen Threads und Kindern.</translation>
        </message>
        <message>
            <source>All processes of a service, whatever program they run.</source>
            <translation>Alle Prozesse eines Dienstes, welches Programm sie auch ausführen.</translation>
        </message>
        <message>
            <source>All processes below a folder of /sys/fs/cgroup, such as those of a container.</source>
            <translation>Alle Prozesse unterhalb eines Ordners in /sys/fs/cgroup, etwa die eines Containers.</translation>
        </message>
        <message>
            <source>Applications to trace</source>
            <translation>Zu verfolgende Anwendungen</translation>
        </message>
        <message>
            <source>These are traced, and what stands in the field above</source>
            <translation>Verfolgt werden diese und was im Feld darüber steht</translation>
        </message>
        <message>
            <source>&amp;Remove</source>
            <translation>&amp;Entfernen</translation>
        </message>
        <message>
            <source>Take the selected application from the list</source>
            <translation>Die ausgewählte Anwendung aus der Liste nehmen</translation>
        </message>
        <message>
            <source>Running processes that match</source>
            <translation>Laufende Prozesse, die passen</translation>
        </message>
        <message>
            <source>Trace &amp;execve: go on after a program calls execve</source>
            <translation>e&amp;xecve verfolgen: weitermachen, wenn ein Programm execve aufruft</translation>
        </message>
        <message>
            <source>An exploit most often ends in execve: keep this on, unless you know better</source>
            <translation>Ein Angriff endet meist in execve: Lassen Sie dies an, außer Sie wissen es besser</translation>
        </message>
        <message>
            <source>On: a traced process stays in its application whatever program it loads. Off: it leaves, unless the new program is named here as well.</source>
            <translation>An: Ein verfolgter Prozess bleibt in seiner Anwendung, welches Programm er auch lädt. Aus: Er verlässt sie, außer das neue Programm ist hier auch genannt.</translation>
        </message>
        <message>
            <source>Only processes not &amp;yet started</source>
            <translation>Nur &amp;noch nicht gestartete Prozesse</translation>
        </message>
        <message>
            <source>Leave alone what runs already</source>
            <translation>Nicht anrühren, was schon läuft</translation>
        </message>
        <message>
            <source>Each process is then traced from its very first call on.</source>
            <translation>Jeder Prozess wird dann von seinem ersten Aufruf an verfolgt.</translation>
        </message>
        <message>
            <source>&amp;Device name:</source>
            <translation>Gerätena&amp;me:</translation>
        </message>
        <message>
            <source>Applications &amp;to trace</source>
            <translation>&amp;Zu verfolgende Anwendungen</translation>
        </message>
        <message>
            <source>Name at least one application to trace.</source>
            <translation>Nennen Sie mindestens eine Anwendung, die verfolgt werden soll.</translation>
        </message>
        <message>
            <source>No running process matches; one that starts later is traced.</source>
            <translation>Kein laufender Prozess passt; einer, der später startet, wird verfolgt.</translation>
        </message>
        <message numerus="yes">
            <source>{0} running processes match; only those that start later are traced.</source>
            <translation>
                <numerusform>{0} laufender Prozess passt; nur später gestartete werden verfolgt.</numerusform>
                <numerusform>{0} laufende Prozesse passen; nur später gestartete werden verfolgt.</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} running processes match: {1}</source>
            <translation>
                <numerusform>{0} laufender Prozess passt: {1}</numerusform>
                <numerusform>{0} laufende Prozesse passen: {1}</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>Guide</name>
        <message>
            <source>First steps</source>
            <translation>Erste Schritte</translation>
        </message>
        <message>
            <source>&amp;Watch</source>
            <translation>Ü&amp;berwachen</translation>
        </message>
    </context>
    <context>
        <name>Icicle</name>
        <message>
            <source>Where this is in the tree</source>
            <translation>Wo dies im Baum steht</translation>
        </message>
        <message>
            <source>start</source>
            <translation>Anfang</translation>
        </message>
        <message>
            <source>{0} of all calls</source>
            <translation>{0} aller Aufrufe</translation>
        </message>
        <message>
            <source>Height: how often. {0} only or more here, {1} only or more there.</source>
            <translation>Höhe: wie oft. {0} nur oder mehr hier, {1} nur oder mehr dort.</translation>
        </message>
        <message>
            <source>Height: how often. Colour: {0} improbable, {1} certain at that place. Click a box to zoom in.</source>
            <translation>Höhe: wie oft. Farbe: {0} unwahrscheinlich, {1} sicher an dieser Stelle. Ein Klick auf einen Kasten vergrößert ihn.</translation>
        </message>
    </context>
    <context>
        <name>Learn</name>
        <message>
            <source>Learn</source>
            <translation>Lernen</translation>
        </message>
        <message>
            <source>The sequences of calls go into a behaviour database.</source>
            <translation>Die Folgen der Aufrufe kommen in eine Verhaltensdatenbank.</translation>
        </message>
        <message>
            <source>Learning ended unexpectedly.</source>
            <translation>Das Lernen endete unerwartet.</translation>
        </message>
        <message>
            <source>{0}, {1}, in {2}</source>
            <translation>{0}, {1}, in {2}</translation>
        </message>
        <message numerus="yes">
            <source>{0} calls</source>
            <translation>
                <numerusform>{0} Aufruf</numerusform>
                <numerusform>{0} Aufrufe</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} sequences</source>
            <translation>
                <numerusform>{0} Folge</numerusform>
                <numerusform>{0} Folgen</numerusform>
            </translation>
        </message>
        <message>
            <source>{0}. Go back and record more of its work; or watch it now with a threshold of {1}.</source>
            <translation>{0}. Gehen Sie zurück und zeichnen Sie mehr von seiner Arbeit auf; oder überwachen Sie es jetzt mit einer Schwelle von {1}.</translation>
        </message>
        <message>
            <source>You can watch it now.</source>
            <translation>Sie können es jetzt überwachen.</translation>
        </message>
        <message>
            <source>You can watch it now, and will see false alarms: each can be marked as normal. Or go back and record more.</source>
            <translation>Sie können es jetzt überwachen und werden Fehlalarme sehen: Jeden können Sie als normal kennzeichnen. Oder gehen Sie zurück und zeichnen Sie mehr auf.</translation>
        </message>
    </context>
    <context>
        <name>LearnDialog</name>
        <message>
            <source>Learn profile</source>
            <translation>Profil lernen</translation>
        </message>
        <message>
            <source>Input trace files</source>
            <translation>Aufzeichnungen zum Lernen</translation>
        </message>
        <message>
            <source>Add &amp;files...</source>
            <translation>&amp;Dateien hinzufügen...</translation>
        </message>
        <message>
            <source>Add f&amp;older...</source>
            <translation>&amp;Ordner hinzufügen...</translation>
        </message>
        <message>
            <source>&amp;Remove</source>
            <translation>&amp;Entfernen</translation>
        </message>
        <message>
            <source>Input trace files or folders (they can be dropped here)</source>
            <translation>Aufzeichnungen oder Ordner zum Lernen (sie können hierher gezogen werden)</translation>
        </message>
        <message>
            <source>Output database</source>
            <translation>Ausgabedatenbank</translation>
        </message>
        <message>
            <source>Input database</source>
            <translation>Eingabedatenbank</translation>
        </message>
        <message>
            <source>none; an older database to which the sequences are added</source>
            <translation>keine; eine ältere Datenbank, die ergänzt wird</translation>
        </message>
        <message>
            <source>Add &amp;to the output database, which exists already</source>
            <translation>&amp;An die Ausgabedatenbank anfügen, die schon besteht</translation>
        </message>
        <message>
            <source>Re&amp;place it: what it has learned is lost</source>
            <translation>E&amp;rsetzen: Was sie gelernt hat, geht verloren</translation>
        </message>
        <message>
            <source>How many calls the longest sequence has</source>
            <translation>Wie viele Aufrufe die längste Folge hat</translation>
        </message>
        <message>
            <source>all that the traces hold</source>
            <translation>alle, die in den Aufzeichnungen vorkommen</translation>
        </message>
        <message>
            <source>Also traces that the database has learned already</source>
            <translation>Auch Aufzeichnungen, die die Datenbank schon gelernt hat</translation>
        </message>
        <message>
            <source>&amp;Go on from where an earlier run was ended</source>
            <translation>&amp;Fortfahren, wo ein früherer Lauf endete</translation>
        </message>
        <message>
            <source>Databases</source>
            <translation>Datenbanken</translation>
        </message>
        <message>
            <source>O&amp;utput database:</source>
            <translation>A&amp;usgabedatenbank:</translation>
        </message>
        <message>
            <source>&amp;Input database:</source>
            <translation>E&amp;ingabedatenbank:</translation>
        </message>
        <message>
            <source>&amp;Depth of the tree:</source>
            <translation>&amp;Tiefe des Baums:</translation>
        </message>
        <message>
            <source>Only &amp;application:</source>
            <translation>Nur A&amp;nwendung:</translation>
        </message>
        <message>
            <source>What was recorded while the program did its normal work: all of it becomes normal.</source>
            <translation>Was bei der normalen Arbeit des Programms aufgezeichnet wurde: All das wird normal.</translation>
        </message>
        <message>
            <source>The file in which what is learned is kept.</source>
            <translation>Die Datei, in der das Gelernte steht.</translation>
        </message>
        <message>
            <source>What it knows is kept, and the traces are added, as if all had been learned at once.</source>
            <translation>Was sie weiß, bleibt, und die Aufzeichnungen kommen hinzu, als wäre alles auf einmal gelernt worden.</translation>
        </message>
        <message>
            <source>A call is judged by at most so many calls, itself included. Deeper finds more and takes longer to learn.</source>
            <translation>Ein Aufruf wird nach höchstens so vielen Aufrufen beurteilt, er selbst eingeschlossen. Tiefer findet mehr und lernt länger.</translation>
        </message>
        <message>
            <source>Of traces that hold several applications, only this one.</source>
            <translation>Aus Aufzeichnungen mit mehreren Anwendungen nur diese.</translation>
        </message>
        <message>
            <source>Whether enough was recorded</source>
            <translation>Ob genug aufgezeichnet wurde</translation>
        </message>
        <message>
            <source>&amp;Learn</source>
            <translation>&amp;Lernen</translation>
        </message>
        <message>
            <source>&amp;Stop</source>
            <translation>&amp;Stoppen</translation>
        </message>
        <message>
            <source>Stop and save what has been learned so far</source>
            <translation>Stoppen und das bisher Gelernte speichern</translation>
        </message>
        <message>
            <source>Use this data&amp;base</source>
            <translation>Diese Daten&amp;bank verwenden</translation>
        </message>
        <message>
            <source>Put it into Monitor &gt; Configure</source>
            <translation>In Überwachung &gt; Konfigurieren eintragen</translation>
        </message>
        <message>
            <source>&amp;Close</source>
            <translation>S&amp;chließen</translation>
        </message>
        <message>
            <source>Folder of traces</source>
            <translation>Ordner mit Aufzeichnungen</translation>
        </message>
        <message>
            <source>As in the database that is added to</source>
            <translation>Wie in der Datenbank, an die angefügt wird</translation>
        </message>
        <message>
            <source>Add at least one trace (made by Tools &gt; Trace to file), or drop it here.</source>
            <translation>Fügen Sie mindestens eine Aufzeichnung hinzu (Werkzeuge &gt; In Datei aufzeichnen), oder ziehen Sie sie hierher.</translation>
        </message>
        <message>
            <source>Name the output database.</source>
            <translation>Nennen Sie die Ausgabedatenbank.</translation>
        </message>
        <message>
            <source>The output database exists already: say whether to add to it or to replace it.</source>
            <translation>Die Ausgabedatenbank besteht schon: Wählen Sie, ob angefügt oder ersetzt werden soll.</translation>
        </message>
        <message>
            <source>{0} is no behaviour database: it cannot be added to.</source>
            <translation>{0} ist keine Verhaltensdatenbank: Daran kann nicht angefügt werden.</translation>
        </message>
        <message>
            <source>Starting...</source>
            <translation>Startet...</translation>
        </message>
        <message>
            <source>{0}; about {1} left</source>
            <translation>{0}; noch etwa {1}</translation>
        </message>
        <message>
            <source>{0}. What is learned from more of the program's work raises fewer false alarms.</source>
            <translation>{0}. Was aus mehr Arbeit des Programms gelernt ist, löst weniger Fehlalarme aus.</translation>
        </message>
        <message>
            <source>Stopping; saving what has been learned...</source>
            <translation>Stoppt; das Gelernte wird gespeichert...</translation>
        </message>
        <message>
            <source>Learning ended unexpectedly.</source>
            <translation>Das Lernen endete unerwartet.</translation>
        </message>
        <message>
            <source>Stopped; what was learned is saved.</source>
            <translation>Gestoppt; das Gelernte ist gespeichert.</translation>
        </message>
        <message>
            <source>Learned.</source>
            <translation>Gelernt.</translation>
        </message>
        <message numerus="yes">
            <source>{0} calls.</source>
            <translation>
                <numerusform>{0} Aufruf.</numerusform>
                <numerusform>{0} Aufrufe.</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} nodes.</source>
            <translation>
                <numerusform>{0} Knoten.</numerusform>
                <numerusform>{0} Knoten.</numerusform>
            </translation>
        </message>
        <message>
            <source>Suggested threshold: {0:.3f}.</source>
            <translation>Vorgeschlagene Schwelle: {0:.3f}.</translation>
        </message>
    </context>
    <context>
        <name>Legend</name>
        <message>
            <source>Applications on the plot</source>
            <translation>Anwendungen im Diagramm</translation>
        </message>
        <message>
            <source>Show or hide {0}</source>
            <translation>{0} zeigen oder verbergen</translation>
        </message>
    </context>
    <context>
        <name>LogWindow</name>
        <message>
            <source>ImSafe: {0}</source>
            <translation>ImSafe: {0}</translation>
        </message>
        <message>
            <source>Reading {0}...</source>
            <translation>{0} wird gelesen...</translation>
        </message>
        <message>
            <source>&amp;File</source>
            <translation>&amp;Datei</translation>
        </message>
        <message>
            <source>&amp;Save as...</source>
            <translation>&amp;Speichern unter...</translation>
        </message>
        <message>
            <source>&amp;Close</source>
            <translation>S&amp;chließen</translation>
        </message>
        <message>
            <source>Reading: {0}</source>
            <translation>Gelesen: {0}</translation>
        </message>
        <message>
            <source>The log holds no score yet.</source>
            <translation>Das Protokoll enthält noch keinen Score.</translation>
        </message>
        <message numerus="yes">
            <source>{0} lines</source>
            <translation>
                <numerusform>{0} Zeile</numerusform>
                <numerusform>{0} Zeilen</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} damaged lines left out</source>
            <translation>
                <numerusform>{0} beschädigte Zeile ausgelassen</numerusform>
                <numerusform>{0} beschädigte Zeilen ausgelassen</numerusform>
            </translation>
        </message>
        <message>
            <source>Save graph</source>
            <translation>Diagramm speichern</translation>
        </message>
        <message>
            <source>Values are being saved already.</source>
            <translation>Die Werte werden schon gespeichert.</translation>
        </message>
    </context>
    <context>
        <name>MainWindow</name>
        <message>
            <source>Close the device first (File &gt; Close device).</source>
            <translation>Schließen Sie zuerst das Gerät (Datei &gt; Gerät schließen).</translation>
        </message>
        <message>
            <source>Open a behaviour database, a trace or a score log</source>
            <translation>Verhaltensdatenbank, Aufzeichnung oder Score-Protokoll öffnen</translation>
        </message>
        <message>
            <source>Several applications are configured: choose under Monitor &gt; Configure which of them {0} belongs to.</source>
            <translation>Mehrere Anwendungen sind konfiguriert: Wählen Sie unter Überwachung &gt; Konfigurieren, zu welcher davon {0} gehört.</translation>
        </message>
        <message>
            <source>Behaviour database: {0}</source>
            <translation>Verhaltensdatenbank: {0}</translation>
        </message>
        <message>
            <source>The new configuration holds from the next Start Monitor on.</source>
            <translation>Die neue Konfiguration gilt ab dem nächsten Überwachung starten.</translation>
        </message>
        <message>
            <source>Plot graph: choose a score log</source>
            <translation>Diagramm zeichnen: Score-Protokoll wählen</translation>
        </message>
        <message>
            <source>Display tree: choose a behaviour database</source>
            <translation>Baum anzeigen: Verhaltensdatenbank wählen</translation>
        </message>
        <message>
            <source>ImSafe: black box {0}</source>
            <translation>ImSafe: Blackbox {0}</translation>
        </message>
        <message>
            <source>As in the last session: {0}</source>
            <translation>Wie in der letzten Sitzung: {0}</translation>
        </message>
        <message>
            <source>Stop the monitor first (Monitor &gt; Stop Monitor).</source>
            <translation>Stoppen Sie zuerst die Überwachung (Überwachung &gt; Überwachung stoppen).</translation>
        </message>
        <message>
            <source>About ImSafe</source>
            <translation>Über ImSafe</translation>
        </message>
        <message>
            <source>ImSafe {0}</source>
            <translation>ImSafe {0}</translation>
        </message>
        <message>
            <source>Learns how an application uses system calls, and tells when it stops doing so.

After the Immune Security Architecture of Laurent Eschenauer (1999).
Free software under the GNU General Public License, version 3 or later.</source>
            <translation>Lernt, wie eine Anwendung Systemaufrufe verwendet, und meldet, wenn sie davon abweicht.

Nach der Immune Security Architecture von Laurent Eschenauer (1999).
Freie Software unter der GNU General Public License, Version 3 oder später.</translation>
        </message>
        <message>
            <source>Close the device first.</source>
            <translation>Schließen Sie zuerst das Gerät.</translation>
        </message>
        <message>
            <source>There is no device.</source>
            <translation>Es gibt kein Gerät.</translation>
        </message>
        <message>
            <source>Stop the monitor first.</source>
            <translation>Stoppen Sie zuerst die Überwachung.</translation>
        </message>
        <message>
            <source>De&amp;tach</source>
            <translation>Tre&amp;nnen</translation>
        </message>
        <message>
            <source>S&amp;top Monitor</source>
            <translation>Überwachung s&amp;toppen</translation>
        </message>
        <message>
            <source>Detach</source>
            <translation>Trennen</translation>
        </message>
        <message>
            <source>Stop</source>
            <translation>Stoppen</translation>
        </message>
        <message>
            <source>Detach from the other monitor first.</source>
            <translation>Trennen Sie sich zuerst von der anderen Überwachung.</translation>
        </message>
        <message>
            <source>The monitor runs already.</source>
            <translation>Die Überwachung läuft schon.</translation>
        </message>
        <message>
            <source>Choose a device under File first.</source>
            <translation>Wählen Sie zuerst unter Datei ein Gerät.</translation>
        </message>
        <message>
            <source>Choose a behaviour database under Monitor &gt; Configure first.</source>
            <translation>Wählen Sie zuerst unter Überwachung &gt; Konfigurieren eine Verhaltensdatenbank.</translation>
        </message>
        <message>
            <source>The device is being recorded; stop that first.</source>
            <translation>Das Gerät wird aufgezeichnet; stoppen Sie das zuerst.</translation>
        </message>
        <message>
            <source>The monitor does not run.</source>
            <translation>Die Überwachung läuft nicht.</translation>
        </message>
        <message>
            <source>The monitor is stopping.</source>
            <translation>Die Überwachung wird beendet.</translation>
        </message>
        <message>
            <source>No monitor runs that can be asked.</source>
            <translation>Es läuft keine Überwachung, die darum gebeten werden kann.</translation>
        </message>
    </context>
    <context>
        <name>ManualWindow</name>
        <message>
            <source>ImSafe manual</source>
            <translation>ImSafe-Handbuch</translation>
        </message>
        <message>
            <source>Text of the manual</source>
            <translation>Text des Handbuchs</translation>
        </message>
        <message>
            <source>Contents</source>
            <translation>Inhalt</translation>
        </message>
        <message>
            <source>The manual is missing from this installation.</source>
            <translation>Dieser Installation fehlt das Handbuch.</translation>
        </message>
        <message>
            <source>Search this chapter, then the others</source>
            <translation>Dieses Kapitel durchsuchen, dann die anderen</translation>
        </message>
        <message>
            <source>Search the manual</source>
            <translation>Das Handbuch durchsuchen</translation>
        </message>
        <message>
            <source>Search</source>
            <translation>Suchen</translation>
        </message>
        <message>
            <source>&amp;Back</source>
            <translation>&amp;Zurück</translation>
        </message>
        <message>
            <source>Not in this manual: {0}</source>
            <translation>Nicht in diesem Handbuch: {0}</translation>
        </message>
        <message>
            <source>Not found: {0}</source>
            <translation>Nicht gefunden: {0}</translation>
        </message>
    </context>
    <context>
        <name>MonitorSession</name>
        <message>
            <source>The monitor is not connected yet.</source>
            <translation>Die Überwachung ist noch nicht verbunden.</translation>
        </message>
        <message>
            <source>You may not look on at {0}; its group decides who may.</source>
            <translation>Sie dürfen bei {0} nicht zusehen; wer darf, bestimmt die Gruppe des Sockets.</translation>
        </message>
        <message>
            <source>The monitor at {0} does not let you look on.</source>
            <translation>Die Überwachung an {0} lässt Sie nicht zusehen.</translation>
        </message>
        <message>
            <source>No monitor can be reached at {0}.</source>
            <translation>An {0} ist keine Überwachung erreichbar.</translation>
        </message>
        <message>
            <source>The monitor has ended.</source>
            <translation>Die Überwachung ist beendet.</translation>
        </message>
        <message>
            <source>The monitor ended unexpectedly.</source>
            <translation>Die Überwachung endete unerwartet.</translation>
        </message>
        <message>
            <source>Monitor &gt; Start Monitor starts another one.</source>
            <translation>Überwachung &gt; Überwachung starten startet eine neue.</translation>
        </message>
    </context>
    <context>
        <name>NearbyModel</name>
        <message>
            <source>Time</source>
            <translation>Zeit</translation>
        </message>
        <message>
            <source>Calls were lost, or another program was loaded, before this one.</source>
            <translation>Vor diesem gingen Aufrufe verloren, oder es wurde ein anderes Programm geladen.</translation>
        </message>
    </context>
    <context>
        <name>Notifier</name>
        <message>
            <source>ImSafe: alert in {0}</source>
            <translation>ImSafe: Alarm bei {0}</translation>
        </message>
        <message numerus="yes">
            <source>ImSafe: {0} alerts in {1}</source>
            <translation>
                <numerusform>ImSafe: {0} Alarm bei {1}</numerusform>
                <numerusform>ImSafe: {0} Alarme bei {1}</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>ImSafe: {0} alerts in {1} incidents</source>
            <translation>
                <numerusform>ImSafe: {0} Alarm in {1} Vorfällen</numerusform>
                <numerusform>ImSafe: {0} Alarme in {1} Vorfällen</numerusform>
            </translation>
        </message>
        <message>
            <source>The worst: {0}</source>
            <translation>Der schwerste: {0}</translation>
        </message>
        <message>
            <source>Show</source>
            <translation>Zeigen</translation>
        </message>
    </context>
    <context>
        <name>PathField</name>
        <message>
            <source>Browse...</source>
            <translation>Durchsuchen...</translation>
        </message>
    </context>
    <context>
        <name>PlotDesk</name>
        <message>
            <source>The monitor has ended: the calls of its scores cannot be looked up.
Alerts have black boxes, which can be replayed; so can a recording.</source>
            <translation>Die Überwachung ist beendet: Die Aufrufe zu ihren Scores sind nicht mehr abrufbar.
Alarme haben Blackboxen, die abgespielt werden können; eine Aufzeichnung ebenso.</translation>
        </message>
        <message>
            <source>Save graph</source>
            <translation>Diagramm speichern</translation>
        </message>
    </context>
    <context>
        <name>ProcessList</name>
        <message>
            <source>Search</source>
            <translation>Suchen</translation>
        </message>
        <message>
            <source>Processes with all these words: name, pid, command, user, application</source>
            <translation>Prozesse mit all diesen Wörtern: Name, PID, Befehl, Benutzer, Anwendung</translation>
        </message>
        <message>
            <source>Search of the processes</source>
            <translation>Suche in den Prozessen</translation>
        </message>
        <message>
            <source>&amp;Threads</source>
            <translation>&amp;Threads</translation>
        </message>
        <message>
            <source>A row for each thread</source>
            <translation>Eine Zeile für jeden Thread</translation>
        </message>
        <message>
            <source>Free&amp;ze</source>
            <translation>Ein&amp;frieren</translation>
        </message>
        <message>
            <source>Let the rows stay as they are, to read them</source>
            <translation>Die Zeilen anhalten, um sie zu lesen</translation>
        </message>
        <message>
            <source>Processes</source>
            <translation>Prozesse</translation>
        </message>
        <message>
            <source>Fro&amp;zen at {0}</source>
            <translation>Um {0} ein&amp;gefroren</translation>
        </message>
        <message numerus="yes">
            <source>{0} threads</source>
            <translation>
                <numerusform>{0} Thread</numerusform>
                <numerusform>{0} Threads</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} processes</source>
            <translation>
                <numerusform>{0} Prozess</numerusform>
                <numerusform>{0} Prozesse</numerusform>
            </translation>
        </message>
        <message>
            <source>{0}, {1} just ended</source>
            <translation>{0}, {1} eben beendet</translation>
        </message>
        <message>
            <source>No process fits the search.</source>
            <translation>Kein Prozess passt zur Suche.</translation>
        </message>
        <message>
            <source>No process is watched now.</source>
            <translation>Gerade wird kein Prozess überwacht.</translation>
        </message>
    </context>
    <context>
        <name>ProcessModel</name>
        <message>
            <source>Process</source>
            <translation>Prozess</translation>
        </message>
        <message>
            <source>Pid</source>
            <translation>PID</translation>
        </message>
        <message>
            <source>Score</source>
            <translation>Score</translation>
        </message>
        <message>
            <source>Last minute</source>
            <translation>Letzte Minute</translation>
        </message>
        <message>
            <source>Peak</source>
            <translation>Spitze</translation>
        </message>
        <message>
            <source>Calls/s</source>
            <translation>Aufrufe/s</translation>
        </message>
        <message>
            <source>Known</source>
            <translation>Bekannt</translation>
        </message>
        <message>
            <source>Calls</source>
            <translation>Aufrufe</translation>
        </message>
        <message>
            <source>Threads</source>
            <translation>Threads</translation>
        </message>
        <message>
            <source>User</source>
            <translation>Benutzer</translation>
        </message>
        <message>
            <source>Command</source>
            <translation>Befehl</translation>
        </message>
        <message>
            <source>Application</source>
            <translation>Anwendung</translation>
        </message>
        <message>
            <source>How much of what it does the profile knows: the share of its calls that were expected in their place at least once in 256 times</source>
            <translation>Wie viel von dem, was er tut, das Profil kennt: der Anteil seiner Aufrufe, die an ihrer Stelle mindestens einmal in 256 Fällen erwartet wurden</translation>
        </message>
        <message>
            <source>ended</source>
            <translation>beendet</translation>
        </message>
        <message>
            <source>Nothing is known of this process but its calls.</source>
            <translation>Von diesem Prozess sind nur die Aufrufe bekannt.</translation>
        </message>
        <message>
            <source>executable unknown</source>
            <translation>Programmdatei unbekannt</translation>
        </message>
        <message>
            <source>parent {0}</source>
            <translation>Elternprozess {0}</translation>
        </message>
        <message>
            <source>started {0}</source>
            <translation>gestartet {0}</translation>
        </message>
    </context>
    <context>
        <name>Record</name>
        <message>
            <source>Record its normal work</source>
            <translation>Die normale Arbeit aufzeichnen</translation>
        </message>
        <message>
            <source>Use the program now as it is used every day, in all the ways it is used: what it does while you record becomes normal.</source>
            <translation>Verwenden Sie das Programm jetzt wie jeden Tag, auf alle üblichen Arten: Was es während der Aufzeichnung tut, wird normal.</translation>
        </message>
        <message>
            <source>&amp;Record</source>
            <translation>&amp;Aufzeichnen</translation>
        </message>
        <message>
            <source>&amp;That is enough</source>
            <translation>&amp;Das genügt</translation>
        </message>
        <message>
            <source>Nothing was recorded: the program made no call, or did not start.</source>
            <translation>Es wurde nichts aufgezeichnet: Das Programm hat nichts aufgerufen oder ist nicht gestartet.</translation>
        </message>
        <message>
            <source>&amp;Record some more</source>
            <translation>Mehr &amp;aufzeichnen</translation>
        </message>
        <message>
            <source>Stopping...</source>
            <translation>Stoppt...</translation>
        </message>
        <message>
            <source>Waiting for the first calls ({0})... you may be asked for a password.</source>
            <translation>Wartet auf die ersten Aufrufe ({0})... vielleicht wird nach einem Passwort gefragt.</translation>
        </message>
        <message>
            <source>Waiting for the first calls ({0})...</source>
            <translation>Wartet auf die ersten Aufrufe ({0})...</translation>
        </message>
        <message numerus="yes">
            <source>{0} processes</source>
            <comment>calls of</comment>
            <translation>
                <numerusform>{0} Prozess</numerusform>
                <numerusform>{0} Prozessen</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} calls</source>
            <translation>
                <numerusform>{0} Aufruf</numerusform>
                <numerusform>{0} Aufrufe</numerusform>
            </translation>
        </message>
        <message>
            <source>{0} of {1}</source>
            <translation>{0} von {1}</translation>
        </message>
        <message>
            <source>{0} a second, for {1}</source>
            <translation>{0} je Sekunde, seit {1}</translation>
        </message>
        <message numerus="yes">
            <source>{0} calls were lost</source>
            <translation>
                <numerusform>{0} Aufruf ging verloren</numerusform>
                <numerusform>{0} Aufrufe gingen verloren</numerusform>
            </translation>
        </message>
        <message>
            <source>{0}. Recorded.</source>
            <translation>{0}. Aufgezeichnet.</translation>
        </message>
        <message>
            <source>Record it several times, from its start to its end: then what is unusual stands out more.</source>
            <translation>Zeichnen Sie es mehrmals auf, vom Start bis zum Ende: Dann hebt sich Ungewöhnliches deutlicher ab.</translation>
        </message>
        <message>
            <source>Press Record; {0} is traced.</source>
            <translation>Drücken Sie Aufzeichnen; verfolgt wird: {0}.</translation>
        </message>
    </context>
    <context>
        <name>RecordDialog</name>
        <message>
            <source>Trace to file</source>
            <translation>In Datei aufzeichnen</translation>
        </message>
        <message>
            <source>Trace file</source>
            <translation>Aufzeichnungsdatei</translation>
        </message>
        <message>
            <source>Traces (*.imt);;All files (*)</source>
            <translation>Aufzeichnungen (*.imt);;Alle Dateien (*)</translation>
        </message>
        <message>
            <source>&amp;Append to the file, which exists already</source>
            <translation>&amp;An die vorhandene Datei anhängen</translation>
        </message>
        <message>
            <source>Re&amp;place it: what it holds is lost</source>
            <translation>&amp;Ersetzen: Ihr Inhalt geht verloren</translation>
        </message>
        <message>
            <source>Device:</source>
            <translation>Gerät:</translation>
        </message>
        <message>
            <source>&amp;Trace file:</source>
            <translation>Aufzeichnungs&amp;datei:</translation>
        </message>
        <message>
            <source>The recording, from which a profile is learned, or which is replayed. Nothing is replaced unasked.</source>
            <translation>Die Aufzeichnung, aus der ein Profil gelernt oder die abgespielt wird. Nichts wird ungefragt ersetzt.</translation>
        </message>
        <message>
            <source>Whether enough was recorded</source>
            <translation>Ob genug aufgezeichnet wurde</translation>
        </message>
        <message>
            <source>&amp;Learn from it...</source>
            <translation>Daraus &amp;lernen...</translation>
        </message>
        <message>
            <source>Make a behaviour database from this recording</source>
            <translation>Aus dieser Aufzeichnung eine Verhaltensdatenbank erstellen</translation>
        </message>
        <message>
            <source>&amp;Record</source>
            <translation>Auf&amp;zeichnen</translation>
        </message>
        <message>
            <source>&amp;Stop</source>
            <translation>&amp;Stoppen</translation>
        </message>
        <message>
            <source>&amp;Close</source>
            <translation>S&amp;chließen</translation>
        </message>
        <message>
            <source>A recording goes on while this dialog is closed</source>
            <translation>Eine Aufzeichnung läuft weiter, wenn dieser Dialog geschlossen ist</translation>
        </message>
        <message>
            <source>The recording ended with the monitor.</source>
            <translation>Die Aufzeichnung endete mit der Überwachung.</translation>
        </message>
        <message>
            <source>The monitor has ended the recording; see Messages.</source>
            <translation>Die Überwachung hat die Aufzeichnung beendet; siehe Meldungen.</translation>
        </message>
        <message>
            <source>none; choose one under File</source>
            <translation>keines; wählen Sie eines unter Datei</translation>
        </message>
        <message>
            <source>Choose a device under File first: a driver, a sensor or a trace.</source>
            <translation>Wählen Sie zuerst unter Datei ein Gerät: einen Treiber, einen Sensor oder eine Aufzeichnung.</translation>
        </message>
        <message>
            <source>Name the trace file.</source>
            <translation>Nennen Sie die Aufzeichnungsdatei.</translation>
        </message>
        <message>
            <source>To record some more, say whether to append to the file or to replace it.</source>
            <translation>Um mehr aufzuzeichnen, wählen Sie, ob angehängt oder ersetzt werden soll.</translation>
        </message>
        <message>
            <source>The file exists: say whether to append to it or to replace it.</source>
            <translation>Die Datei besteht schon: Wählen Sie, ob angehängt oder ersetzt werden soll.</translation>
        </message>
        <message>
            <source>The monitor does not take requests from this window.</source>
            <translation>Die Überwachung nimmt von diesem Fenster keine Anweisungen an.</translation>
        </message>
        <message>
            <source>The monitor records...</source>
            <translation>Die Überwachung zeichnet auf...</translation>
        </message>
        <message>
            <source>Waiting for the kernel tracer; you may be asked for a password...</source>
            <translation>Wartet auf den Kernel-Tracer; vielleicht wird nach einem Passwort gefragt...</translation>
        </message>
        <message>
            <source>Waiting for system calls...</source>
            <translation>Wartet auf Systemaufrufe...</translation>
        </message>
        <message numerus="yes">
            <source>{calls} calls, {size}B, {rate} calls/s, {time}</source>
            <translation>
                <numerusform>{calls} Aufruf, {size}B, {rate} Aufrufe/s, {time}</numerusform>
                <numerusform>{calls} Aufrufe, {size}B, {rate} Aufrufe/s, {time}</numerusform>
            </translation>
        </message>
        <message>
            <source>{0}, {1} lost</source>
            <translation>{0}, {1} verloren</translation>
        </message>
        <message>
            <source>The recording ended unexpectedly.</source>
            <translation>Die Aufzeichnung endete unerwartet.</translation>
        </message>
        <message>
            <source>Recorded to {0}.</source>
            <translation>Aufgezeichnet in {0}.</translation>
        </message>
        <message numerus="yes">
            <source>{0} calls in {1}.</source>
            <translation>
                <numerusform>{0} Aufruf in {1}.</numerusform>
                <numerusform>{0} Aufrufe in {1}.</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} calls were lost.</source>
            <translation>
                <numerusform>{0} Aufruf ging verloren.</numerusform>
                <numerusform>{0} Aufrufe gingen verloren.</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>ScorePlot</name>
        <message>
            <source>Plot of the scores</source>
            <translation>Diagramm der Scores</translation>
        </message>
        <message>
            <source>1 minute</source>
            <translation>1 Minute</translation>
        </message>
        <message>
            <source>10 minutes</source>
            <translation>10 Minuten</translation>
        </message>
        <message>
            <source>1 hour</source>
            <translation>1 Stunde</translation>
        </message>
        <message>
            <source>1 day</source>
            <translation>1 Tag</translation>
        </message>
        <message>
            <source>1 week</source>
            <translation>1 Woche</translation>
        </message>
        <message>
            <source>everything</source>
            <translation>alles</translation>
        </message>
        <message>
            <source>How much time the plot shows</source>
            <translation>Wie viel Zeit das Diagramm zeigt</translation>
        </message>
        <message>
            <source>Time shown</source>
            <translation>Gezeigte Zeit</translation>
        </message>
        <message>
            <source>Follow</source>
            <translation>Folgen</translation>
        </message>
        <message>
            <source>Keep the newest scores in view; zoom or drag the plot to look back</source>
            <translation>Die neuesten Scores im Blick behalten; zum Zurückblicken das Diagramm vergrößern oder ziehen</translation>
        </message>
        <message>
            <source>Time, from the first score to the latest</source>
            <translation>Zeit, vom ersten Score bis zum letzten</translation>
        </message>
        <message>
            <source>&amp;Calls around this moment</source>
            <translation>A&amp;ufrufe um diesen Moment</translation>
        </message>
        <message>
            <source>&amp;Follow the newest scores</source>
            <translation>Den neuesten Scores &amp;folgen</translation>
        </message>
        <message>
            <source>Go to the &amp;beginning</source>
            <translation>Zum &amp;Anfang</translation>
        </message>
        <message>
            <source>Scroll back</source>
            <translation>Zurückblättern</translation>
        </message>
        <message>
            <source>Scroll on</source>
            <translation>Weiterblättern</translation>
        </message>
        <message>
            <source>A page back</source>
            <translation>Eine Seite zurück</translation>
        </message>
        <message>
            <source>A page on</source>
            <translation>Eine Seite weiter</translation>
        </message>
        <message>
            <source>Zoom &amp;in</source>
            <translation>Ver&amp;größern</translation>
        </message>
        <message>
            <source>Zoom &amp;out</source>
            <translation>Ver&amp;kleinern</translation>
        </message>
        <message>
            <source>Show &amp;everything</source>
            <translation>All&amp;es zeigen</translation>
        </message>
        <message>
            <source>&amp;Previous alert</source>
            <translation>&amp;Voriger Alarm</translation>
        </message>
        <message>
            <source>&amp;Next alert</source>
            <translation>&amp;Nächster Alarm</translation>
        </message>
        <message>
            <source>Point further back</source>
            <translation>Weiter zurück zeigen</translation>
        </message>
        <message>
            <source>Point further on</source>
            <translation>Weiter vor zeigen</translation>
        </message>
        <message>
            <source>Point nowhere</source>
            <translation>Nirgendwohin zeigen</translation>
        </message>
        <message>
            <source>Cop&amp;y as an image</source>
            <translation>Als &amp;Bild kopieren</translation>
        </message>
        <message>
            <source>&amp;Save graph as...</source>
            <translation>Diagramm &amp;speichern unter...</translation>
        </message>
        <message>
            <source>&amp;Plot</source>
            <translation>Dia&amp;gramm</translation>
        </message>
        <message>
            <source>application {0}</source>
            <translation>Anwendung {0}</translation>
        </message>
        <message>
            <source>{0} ends in none of .png, .svg and .csv, which say what to write.</source>
            <translation>{0} endet weder auf .png noch auf .svg oder .csv, was sagen würde, was geschrieben werden soll.</translation>
        </message>
        <message>
            <source>Cannot write {0}.</source>
            <translation>{0} kann nicht geschrieben werden.</translation>
        </message>
    </context>
    <context>
        <name>SensorDialog</name>
        <message>
            <source>Connect to sensor</source>
            <translation>Mit Sensor verbinden</translation>
        </message>
        <message>
            <source>Socket descriptor</source>
            <translation>Socket</translation>
        </message>
        <message>
            <source>&amp;Add</source>
            <translation>&amp;Hinzufügen</translation>
        </message>
        <message>
            <source>Wait for sensors on this socket too</source>
            <translation>Auch an diesem Socket auf Sensoren warten</translation>
        </message>
        <message>
            <source>&amp;Remove</source>
            <translation>&amp;Entfernen</translation>
        </message>
        <message>
            <source>Sockets</source>
            <translation>Sockets</translation>
        </message>
        <message>
            <source>Further sockets:</source>
            <translation>Weitere Sockets:</translation>
        </message>
        <message>
            <source>Any number of sensors may connect to one socket. In a terminal, a program is put under a sensor with:  ims-sensor -s SOCKET -- PROGRAM</source>
            <translation>Mit einem Socket können sich beliebig viele Sensoren verbinden. Im Terminal startet man ein Programm unter einem Sensor mit:  ims-sensor -s SOCKET -- PROGRAMM</translation>
        </message>
        <message>
            <source>&amp;Wait for sensors that are started elsewhere</source>
            <translation>Auf Sensoren &amp;warten, die anderswo gestartet werden</translation>
        </message>
        <message>
            <source>Run a &amp;program under a sensor:</source>
            <translation>&amp;Programm unter einem Sensor starten:</translation>
        </message>
        <message>
            <source>Attach a sensor to running pr&amp;ocesses:</source>
            <translation>Sensor an laufende Pro&amp;zesse anhängen:</translation>
        </message>
        <message>
            <source>program and arguments</source>
            <translation>Programm und Argumente</translation>
        </message>
        <message>
            <source>Program and arguments</source>
            <translation>Programm und Argumente</translation>
        </message>
        <message>
            <source>process ids</source>
            <translation>Prozessnummern</translation>
        </message>
        <message>
            <source>Process ids</source>
            <translation>Prozessnummern</translation>
        </message>
        <message>
            <source>Also calls that the program's own filter denies (slower)</source>
            <translation>Auch Aufrufe, die der eigene Filter des Programms abweist (langsamer)</translation>
        </message>
        <message>
            <source>vsftpd, sshd and browsers have such a filter; takes two stops a call</source>
            <translation>vsftpd, sshd und Browser haben einen solchen Filter; kostet zwei Halte je Aufruf</translation>
        </message>
        <message>
            <source>Sensor</source>
            <translation>Sensor</translation>
        </message>
        <message>
            <source>The program starts when the monitor or a recording does, and ends with this window.</source>
            <translation>Das Programm startet mit der Überwachung oder einer Aufzeichnung und endet mit diesem Fenster.</translation>
        </message>
        <message>
            <source>A file name by which sensors find the monitor. Only your own programs, and root's, can connect.</source>
            <translation>Ein Dateiname, unter dem Sensoren die Überwachung finden. Nur Ihre eigenen Programme und die von root können sich verbinden.</translation>
        </message>
        <message>
            <source>It is started as it stands here, without a shell, when the monitor starts.</source>
            <translation>Es wird gestartet, wie es hier steht, ohne Shell, wenn die Überwachung startet.</translation>
        </message>
        <message>
            <source>Processes of yours that run already; the system may forbid to attach to them.</source>
            <translation>Ihre Prozesse, die schon laufen; das System kann das Anhängen verbieten.</translation>
        </message>
        <message>
            <source>&amp;Connect</source>
            <translation>&amp;Verbinden</translation>
        </message>
    </context>
    <context>
        <name>ThresholdField</name>
        <message>
            <source>Anomaly threshold</source>
            <translation>Anomalieschwelle</translation>
        </message>
    </context>
    <context>
        <name>TraceOpenDialog</name>
        <message>
            <source>Open trace</source>
            <translation>Aufzeichnung öffnen</translation>
        </message>
        <message>
            <source>Trace file</source>
            <translation>Aufzeichnungsdatei</translation>
        </message>
        <message>
            <source>as fast as possible</source>
            <translation>so schnell wie möglich</translation>
        </message>
        <message>
            <source>as recorded</source>
            <translation>wie aufgezeichnet</translation>
        </message>
        <message>
            <source>{0} times as fast</source>
            <translation>{0}-mal so schnell</translation>
        </message>
        <message>
            <source>Speed</source>
            <translation>Geschwindigkeit</translation>
        </message>
        <message>
            <source>Choose, or type a factor such as 0.5</source>
            <translation>Wählen Sie, oder tippen Sie einen Faktor wie 0.5</translation>
        </message>
        <message>
            <source>&amp;Trace file:</source>
            <translation>Aufzeichnungs&amp;datei:</translation>
        </message>
        <message>
            <source>&amp;Speed:</source>
            <translation>&amp;Geschwindigkeit:</translation>
        </message>
        <message>
            <source>The trace is replayed as if it happened now, to the monitor or into a file.</source>
            <translation>Die Aufzeichnung wird abgespielt, als geschähe es jetzt, für die Überwachung oder in eine Datei.</translation>
        </message>
        <message>
            <source>The scores are the same at any speed; as recorded, it looks as it did then.</source>
            <translation>Die Scores sind bei jeder Geschwindigkeit dieselben; wie aufgezeichnet sieht es aus wie damals.</translation>
        </message>
        <message>
            <source>Choose a trace (made by Tools &gt; Trace to file).</source>
            <translation>Wählen Sie eine Aufzeichnung (Werkzeuge &gt; In Datei aufzeichnen).</translation>
        </message>
        <message>
            <source>There is no file {0}.</source>
            <translation>Es gibt keine Datei {0}.</translation>
        </message>
        <message>
            <source>The speed is one of the list, or a factor such as 0.5.</source>
            <translation>Die Geschwindigkeit ist eine aus der Liste oder ein Faktor wie 0.5.</translation>
        </message>
    </context>
    <context>
        <name>TreeExport</name>
        <message>
            <source>The export ended unexpectedly.</source>
            <translation>Der Export endete unerwartet.</translation>
        </message>
        <message numerus="yes">
            <source>Written: {0} ({1} bytes).</source>
            <translation>
                <numerusform>Geschrieben: {0} ({1} Byte).</numerusform>
                <numerusform>Geschrieben: {0} ({1} Byte).</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>TreeModel</name>
        <message>
            <source>Call</source>
            <translation>Aufruf</translation>
        </message>
        <message>
            <source>Count</source>
            <translation>Anzahl</translation>
        </message>
        <message>
            <source>Processes</source>
            <translation>Prozesse</translation>
        </message>
        <message>
            <source>Probability here</source>
            <translation>Wahrscheinlichkeit hier</translation>
        </message>
        <message>
            <source>Count here</source>
            <translation>Anzahl hier</translation>
        </message>
        <message>
            <source>Count there</source>
            <translation>Anzahl dort</translation>
        </message>
        <message>
            <source>Share of calls</source>
            <translation>Anteil der Aufrufe</translation>
        </message>
        <message>
            <source>Probability there</source>
            <translation>Wahrscheinlichkeit dort</translation>
        </message>
        <message>
            <source>only here</source>
            <translation>nur hier</translation>
        </message>
        <message>
            <source>only there</source>
            <translation>nur dort</translation>
        </message>
        <message>
            <source>as often</source>
            <translation>gleich oft</translation>
        </message>
        <message>
            <source>{0} times there</source>
            <translation>dort {0}-fach</translation>
        </message>
        <message>
            <source>{0} times here</source>
            <translation>hier {0}-fach</translation>
        </message>
        <message>
            <source>the start</source>
            <translation>der Anfang</translation>
        </message>
        <message>
            <source>{0}
seen {1} here, {2} there</source>
            <translation>{0}
hier {1} gesehen, dort {2}</translation>
        </message>
        <message numerus="yes">
            <source>{0} processes</source>
            <comment>seen in</comment>
            <translation>
                <numerusform>{0} Prozess</numerusform>
                <numerusform>{0} Prozessen</numerusform>
            </translation>
        </message>
        <message>
            <source>{0}
seen {1} in {2}</source>
            <translation>{0}
{1} in {2} gesehen</translation>
        </message>
        <message>
            <source>{0}
seen {1} in {2}; the last call has a probability of {3} there</source>
            <translation>{0}
{1} in {2} gesehen; der letzte Aufruf hat dort eine Wahrscheinlichkeit von {3}</translation>
        </message>
        <message numerus="yes">
            <source>{0} times</source>
            <comment>seen so often</comment>
            <translation>
                <numerusform>{0}-mal</numerusform>
                <numerusform>{0}-mal</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>TreeWindow</name>
        <message>
            <source>ImSafe: tree of {0}</source>
            <translation>ImSafe: Baum von {0}</translation>
        </message>
        <message>
            <source>Tree of sequences</source>
            <translation>Baum der Folgen</translation>
        </message>
        <message>
            <source>A row is a call after the calls of the rows above it. The bar shows how probable it is there.</source>
            <translation>Eine Zeile ist ein Aufruf nach den Aufrufen der Zeilen darüber. Der Balken zeigt, wie wahrscheinlich er dort ist.</translation>
        </message>
        <message>
            <source>Reading {0}...</source>
            <translation>{0} wird gelesen...</translation>
        </message>
        <message>
            <source>Search a sequence: openat, read, close</source>
            <translation>Folge suchen: openat, read, close</translation>
        </message>
        <message>
            <source>Sequence to search</source>
            <translation>Zu suchende Folge</translation>
        </message>
        <message>
            <source>Minimum count</source>
            <translation>Mindestanzahl</translation>
        </message>
        <message>
            <source>Hide sequences that were seen less often</source>
            <translation>Folgen verbergen, die seltener gesehen wurden</translation>
        </message>
        <message>
            <source>All sequences</source>
            <translation>Alle Folgen</translation>
        </message>
        <message>
            <source>Only here</source>
            <translation>Nur hier</translation>
        </message>
        <message>
            <source>Only there</source>
            <translation>Nur dort</translation>
        </message>
        <message>
            <source>Twice as often, or half</source>
            <translation>Doppelt so oft oder halb</translation>
        </message>
        <message>
            <source>Which differences</source>
            <translation>Welche Unterschiede</translation>
        </message>
        <message>
            <source>Tree</source>
            <translation>Baum</translation>
        </message>
        <message>
            <source> Seen at &amp;least </source>
            <translation> Mi&amp;ndestens </translation>
        </message>
        <message>
            <source> times </source>
            <translation> Mal gesehen </translation>
        </message>
        <message>
            <source>&amp;File</source>
            <translation>&amp;Datei</translation>
        </message>
        <message>
            <source>&amp;Edit</source>
            <translation>&amp;Bearbeiten</translation>
        </message>
        <message>
            <source>&amp;View</source>
            <translation>&amp;Ansicht</translation>
        </message>
        <message>
            <source>Co&amp;mpare with...</source>
            <translation>&amp;Vergleichen mit...</translation>
        </message>
        <message>
            <source>&amp;End comparison</source>
            <translation>Vergleich &amp;beenden</translation>
        </message>
        <message>
            <source>E&amp;xport</source>
            <translation>E&amp;xportieren</translation>
        </message>
        <message>
            <source>&amp;Close</source>
            <translation>S&amp;chließen</translation>
        </message>
        <message>
            <source>&amp;Copy path</source>
            <translation>Pfad &amp;kopieren</translation>
        </message>
        <message>
            <source>&amp;Find</source>
            <translation>&amp;Suchen</translation>
        </message>
        <message>
            <source>&amp;Rows</source>
            <translation>&amp;Zeilen</translation>
        </message>
        <message>
            <source>&amp;Boxes</source>
            <translation>&amp;Kästen</translation>
        </message>
        <message>
            <source>Reading what comes after these calls...</source>
            <translation>Gelesen wird, was nach diesen Aufrufen kommt...</translation>
        </message>
        <message>
            <source>Here: {0}. There: {1}. Sequences only here: {2}, only there: {3}, at least twice or half as often: {4}</source>
            <translation>Hier: {0}. Dort: {1}. Folgen nur hier: {2}, nur dort: {3}, mindestens doppelt oder halb so oft: {4}</translation>
        </message>
        <message numerus="yes">
            <source>{0} calls</source>
            <comment>learned from</comment>
            <translation>
                <numerusform>{0} Aufruf</numerusform>
                <numerusform>{0} Aufrufen</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} sequences of up to {1} calls, learned from {2}</source>
            <translation>
                <numerusform>{0} Folge von bis zu {1} Aufrufen, gelernt aus {2}</numerusform>
                <numerusform>{0} Folgen von bis zu {1} Aufrufen, gelernt aus {2}</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} calls were lost while recording</source>
            <translation>
                <numerusform>beim Aufzeichnen ging {0} Aufruf verloren</numerusform>
                <numerusform>beim Aufzeichnen gingen {0} Aufrufe verloren</numerusform>
            </translation>
        </message>
        <message>
            <source>Nothing is left to show: lower the count, or show all. {0}</source>
            <translation>Es bleibt nichts zu zeigen: Senken Sie die Anzahl, oder zeigen Sie alle. {0}</translation>
        </message>
        <message>
            <source>Never seen: {0} after {1}</source>
            <translation>Nie gesehen: {0} nach {1}</translation>
        </message>
        <message>
            <source>Never seen: {0}</source>
            <translation>Nie gesehen: {0}</translation>
        </message>
        <message>
            <source>Each stretch of {0} calls in it was seen</source>
            <translation>Jede Teilfolge von {0} Aufrufen darin wurde gesehen</translation>
        </message>
        <message>
            <source>Compare with another behaviour database</source>
            <translation>Mit einer anderen Verhaltensdatenbank vergleichen</translation>
        </message>
        <message>
            <source>Comparing with {0}...</source>
            <translation>Vergleich mit {0}...</translation>
        </message>
        <message>
            <source>Export</source>
            <translation>Exportieren</translation>
        </message>
        <message>
            <source>Writing {0}...</source>
            <translation>{0} wird geschrieben...</translation>
        </message>
    </context>
    <context>
        <name>Watch</name>
        <message>
            <source>Watch</source>
            <translation>Überwachen</translation>
        </message>
        <message>
            <source>What it does from now on is judged by what was learned.</source>
            <translation>Was es von nun an tut, wird am Gelernten gemessen.</translation>
        </message>
        <message>
            <source>Press Watch: the monitor starts on {0} and the plot shows how unusual all that it does is. Make it do something it has never done, and there is an alert, with its reason.

The same by hand: File chooses the device, Tools &gt; Trace to file records, Tools &gt; Learn profile learns, Monitor &gt; Configure has the threshold.</source>
            <translation>Drücken Sie Überwachen: Die Überwachung beginnt ({0}), und das Diagramm zeigt, wie ungewöhnlich alles ist, was das Programm tut. Lassen Sie es etwas tun, das es noch nie getan hat, und es gibt einen Alarm, mit seinem Grund.

Dasselbe von Hand: Datei wählt das Gerät, Werkzeuge &gt; In Datei aufzeichnen zeichnet auf, Werkzeuge &gt; Profil lernen lernt, Überwachung &gt; Konfigurieren enthält die Schwelle.</translation>
        </message>
        <message>
            <source>Device: {0}</source>
            <translation>Gerät: {0}</translation>
        </message>
        <message>
            <source>Device closed</source>
            <translation>Gerät geschlossen</translation>
        </message>
        <message>
            <source>Still under its sensor: {0}</source>
            <translation>Noch unter seinem Sensor: {0}</translation>
        </message>
        <message>
            <source>Started under a sensor: {0}</source>
            <translation>Unter einem Sensor gestartet: {0}</translation>
        </message>
        <message>
            <source>{0} ended with status {1}</source>
            <translation>{0} endete mit Status {1}</translation>
        </message>
        <message>
            <source>Monitor started</source>
            <translation>Überwachung gestartet</translation>
        </message>
        <message>
            <source>Attached to the monitor at {0}</source>
            <translation>An die Überwachung an {0} angehängt</translation>
        </message>
        <message>
            <source>The profile {0} was read again</source>
            <translation>Das Profil {0} wurde neu eingelesen</translation>
        </message>
        <message>
            <source>Detached; the monitor goes on</source>
            <translation>Getrennt; die Überwachung läuft weiter</translation>
        </message>
        <message>
            <source>Monitor ended</source>
            <translation>Überwachung beendet</translation>
        </message>
    </context>
    <context>
        <name>WhatIfDialog</name>
        <message>
            <source>What if: alerts of a threshold</source>
            <translation>Was wäre wenn: Alarme einer Schwelle</translation>
        </message>
        <message>
            <source>Recorded trace or score log</source>
            <translation>Aufzeichnung oder Score-Protokoll</translation>
        </message>
        <message>
            <source>a recorded trace, or a score log</source>
            <translation>eine Aufzeichnung oder ein Score-Protokoll</translation>
        </message>
        <message>
            <source>&amp;Show</source>
            <translation>An&amp;zeigen</translation>
        </message>
        <message>
            <source>Sc&amp;ores of:</source>
            <translation>Scores &amp;von:</translation>
        </message>
        <message>
            <source>Anomaly t&amp;hreshold:</source>
            <translation>Anomalieschwe&amp;lle:</translation>
        </message>
        <message>
            <source>&amp;Use this threshold</source>
            <translation>Diese &amp;Schwelle verwenden</translation>
        </message>
        <message>
            <source>Best is a trace of normal work that was not learned, a day of it: what was learned scores low.</source>
            <translation>Am besten ist eine nicht gelernte Aufzeichnung normaler Arbeit, von einem ganzen Tag: Gelerntes hat niedrige Scores.</translation>
        </message>
        <message>
            <source>How many moments have which score</source>
            <translation>Wie viele Momente welchen Score haben</translation>
        </message>
        <message>
            <source>score</source>
            <translation>Score</translation>
        </message>
        <message>
            <source>moments of 100 ms, and alerts</source>
            <translation>Momente von 100 ms, und Alarme</translation>
        </message>
        <message>
            <source>moments with this score</source>
            <translation>Momente mit diesem Score</translation>
        </message>
        <message>
            <source>alerts at this threshold</source>
            <translation>Alarme bei dieser Schwelle</translation>
        </message>
        <message>
            <source>There is no file {0}.</source>
            <translation>Es gibt keine Datei {0}.</translation>
        </message>
        <message>
            <source>That is a behaviour database; choose a trace or a score log.</source>
            <translation>Das ist eine Verhaltensdatenbank; wählen Sie eine Aufzeichnung oder ein Score-Protokoll.</translation>
        </message>
        <message>
            <source>The monitor scores {0}...</source>
            <translation>Die Überwachung bewertet {0}...</translation>
        </message>
        <message>
            <source>The monitor ended unexpectedly.</source>
            <translation>Die Überwachung endete unerwartet.</translation>
        </message>
        <message>
            <source>Reading the scores...</source>
            <translation>Die Scores werden gelesen...</translation>
        </message>
        <message>
            <source>Choose a recording, then drag the threshold to see its alerts.</source>
            <translation>Wählen Sie eine Aufzeichnung, dann ziehen Sie die Schwelle, um ihre Alarme zu sehen.</translation>
        </message>
        <message>
            <source>There is no score in it.</source>
            <translation>Es ist kein Score darin.</translation>
        </message>
        <message>
            <source>At {0:.3f} ({1} on normal behaviour): no alert in {2}.</source>
            <translation>Bei {0:.3f} ({1} bei normalem Verhalten): kein Alarm in {2}.</translation>
        </message>
        <message numerus="yes">
            <source>At {0:.3f} ({1} on normal behaviour): {3} alerts in {2}.</source>
            <translation>
                <numerusform>Bei {0:.3f} ({1} bei normalem Verhalten): {3} Alarm in {2}.</numerusform>
                <numerusform>Bei {0:.3f} ({1} bei normalem Verhalten): {3} Alarme in {2}.</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>At {0:.3f} ({1} on normal behaviour): {3} alerts in {2}, {4} a day.</source>
            <translation>
                <numerusform>Bei {0:.3f} ({1} bei normalem Verhalten): {3} Alarm in {2}, {4} am Tag.</numerusform>
                <numerusform>Bei {0:.3f} ({1} bei normalem Verhalten): {3} Alarme in {2}, {4} am Tag.</numerusform>
            </translation>
        </message>
        <message>
            <source>The highest score is {0:.3f}.</source>
            <translation>Der höchste Score ist {0:.3f}.</translation>
        </message>
    </context>
    <context>
        <name>alert_export</name>
        <message>
            <source>{0} has to end in .json, .csv or .txt.</source>
            <translation>{0} muss auf .json, .csv oder .txt enden.</translation>
        </message>
    </context>
    <context>
        <name>app</name>
        <message>
            <source>You run the window as root; it needs no rights: run it as yourself.</source>
            <translation>Sie führen das Fenster als root aus; es braucht keine Rechte: Starten Sie es unter Ihrem eigenen Namen.</translation>
        </message>
    </context>
    <context>
        <name>attach</name>
        <message>
            <source>There is no socket {0}: no monitor has its view there.</source>
            <translation>Es gibt keinen Socket {0}: Keine Überwachung hat dort ihren View.</translation>
        </message>
        <message>
            <source>You may not look on at {0}; its group decides who may.</source>
            <translation>Sie dürfen bei {0} nicht zusehen; wer darf, bestimmt die Gruppe des Sockets.</translation>
        </message>
        <message>
            <source>You may not look on at {0}: members of the group {1} may.</source>
            <translation>Sie dürfen bei {0} nicht zusehen: Das dürfen Mitglieder der Gruppe {1}.</translation>
        </message>
    </context>
    <context>
        <name>configuration</name>
        <message>
            <source>Choose a behaviour database (made by Tools &gt; Learn profile).</source>
            <translation>Wählen Sie eine Verhaltensdatenbank (Werkzeuge &gt; Profil lernen).</translation>
        </message>
        <message>
            <source>There is no file {0}.</source>
            <translation>Es gibt keine Datei {0}.</translation>
        </message>
        <message>
            <source>{0} cannot be read by you.</source>
            <translation>{0} ist für Sie nicht lesbar.</translation>
        </message>
        <message>
            <source>{0} is a folder; add a file name.</source>
            <translation>{0} ist ein Ordner; fügen Sie einen Dateinamen an.</translation>
        </message>
        <message>
            <source>There is no folder {0}, so {1} cannot be written.</source>
            <translation>Es gibt keinen Ordner {0}; {1} kann also nicht geschrieben werden.</translation>
        </message>
        <message>
            <source>You may not write {0}, so {1} cannot go there.</source>
            <translation>Sie dürfen {0} nicht schreiben; {1} kann also nicht dorthin.</translation>
        </message>
        <message>
            <source>Give the full path of the program to execute on alert.</source>
            <translation>Geben Sie den vollen Pfad des Programms an, das bei Alarm ausgeführt wird.</translation>
        </message>
        <message>
            <source>There is no program {0}.</source>
            <translation>Es gibt kein Programm {0}.</translation>
        </message>
        <message>
            <source>{0} is not executable; mend it with: chmod +x {0}</source>
            <translation>{0} ist nicht ausführbar; das behebt: chmod +x {0}</translation>
        </message>
        <message>
            <source>Choose a behaviour database.</source>
            <translation>Wählen Sie eine Verhaltensdatenbank.</translation>
        </message>
        <message>
            <source>An application's name cannot contain the sign =.</source>
            <translation>Der Name einer Anwendung darf das Zeichen = nicht enthalten.</translation>
        </message>
        <message>
            <source>A threshold lies between 0 and 1.</source>
            <translation>Eine Schwelle liegt zwischen 0 und 1.</translation>
        </message>
        <message>
            <source>Name each application when there are several.</source>
            <translation>Bei mehreren Anwendungen braucht jede einen Namen.</translation>
        </message>
        <message>
            <source>Two applications have the same name.</source>
            <translation>Zwei Anwendungen haben denselben Namen.</translation>
        </message>
    </context>
    <context>
        <name>configure</name>
        <message numerus="yes">
            <source>{0} false alarms</source>
            <translation>
                <numerusform>{0} Fehlalarm</numerusform>
                <numerusform>{0} Fehlalarme</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>device</name>
        <message>
            <source>process {0}</source>
            <translation>Prozess {0}</translation>
        </message>
        <message>
            <source>{0} (under a sensor)</source>
            <translation>{0} (unter einem Sensor)</translation>
        </message>
        <message>
            <source>sensors on {0}</source>
            <translation>Sensoren an {0}</translation>
        </message>
        <message>
            <source>{0} (by the kernel tracer)</source>
            <translation>{0} (vom Kernel-Tracer)</translation>
        </message>
        <message>
            <source>trace {0}</source>
            <translation>Aufzeichnung {0}</translation>
        </message>
        <message>
            <source>Type the path of a socket.</source>
            <translation>Geben Sie den Pfad eines Sockets ein.</translation>
        </message>
        <message>
            <source>{0} is not a full path: it has to start with /.</source>
            <translation>{0} ist kein voller Pfad: Er muss mit / beginnen.</translation>
        </message>
        <message>
            <source>The path is too long for a socket (at most 107 bytes).</source>
            <translation>Der Pfad ist für einen Socket zu lang (höchstens 107 Byte).</translation>
        </message>
        <message>
            <source>There is no folder {0}.</source>
            <translation>Es gibt keinen Ordner {0}.</translation>
        </message>
        <message>
            <source>{0} exists and is not a socket.</source>
            <translation>{0} besteht und ist kein Socket.</translation>
        </message>
        <message>
            <source>Cannot look at {0}: {1}.</source>
            <translation>{0} ist nicht zugänglich: {1}.</translation>
        </message>
        <message>
            <source>There is no process {0}.</source>
            <translation>Es gibt keinen Prozess {0}.</translation>
        </message>
        <message>
            <source>Add at least one socket.</source>
            <translation>Fügen Sie mindestens einen Socket hinzu.</translation>
        </message>
        <message>
            <source>A socket is listed twice; any number of sensors may share one.</source>
            <translation>Ein Socket steht zweimal in der Liste; beliebig viele Sensoren können sich einen teilen.</translation>
        </message>
        <message>
            <source>{0} is not a process id.</source>
            <translation>{0} ist keine Prozessnummer.</translation>
        </message>
        <message>
            <source>Type the id of at least one process.</source>
            <translation>Geben Sie die Nummer mindestens eines Prozesses ein.</translation>
        </message>
        <message>
            <source>The device name is {0}, or the full path of a running tracer's socket.</source>
            <translation>Der Gerätename ist {0} oder der volle Pfad zum Socket eines laufenden Tracers.</translation>
        </message>
        <message>
            <source>There is no socket {0}: no kernel tracer listens there. Use {1}, or start imsafe-tracer.service.</source>
            <translation>Es gibt keinen Socket {0}: Dort lauscht kein Kernel-Tracer. Verwenden Sie {1}, oder starten Sie imsafe-tracer.service.</translation>
        </message>
        <message>
            <source>There is no program {0}.</source>
            <translation>Es gibt kein Programm {0}.</translation>
        </message>
        <message>
            <source>{0} is not executable.</source>
            <translation>{0} ist nicht ausführbar.</translation>
        </message>
        <message>
            <source>There is no control group {0}.</source>
            <translation>Es gibt keine Control-Group {0}.</translation>
        </message>
        <message>
            <source>The command cannot be understood: a quotation mark or a \ has no end.</source>
            <translation>Der Befehl ist nicht zu verstehen: Ein Anführungszeichen oder ein \ ist nicht abgeschlossen.</translation>
        </message>
        <message>
            <source>Type a command.</source>
            <translation>Geben Sie einen Befehl ein.</translation>
        </message>
    </context>
    <context>
        <name>errors</name>
        <message>
            <source>Cannot read {0}: {1}.</source>
            <translation>{0} kann nicht gelesen werden: {1}.</translation>
        </message>
        <message>
            <source>Cannot write {0}: {1}.</source>
            <translation>{0} kann nicht geschrieben werden: {1}.</translation>
        </message>
        <message>
            <source>Cannot open {0}: {1}.</source>
            <translation>{0} kann nicht geöffnet werden: {1}.</translation>
        </message>
    </context>
    <context>
        <name>file_kinds</name>
        <message>
            <source>Behaviour databases (*.db);;All files (*)</source>
            <translation>Verhaltensdatenbanken (*.db);;Alle Dateien (*)</translation>
        </message>
        <message>
            <source>Traces (*.imt *.int *.txt *.strace);;All files (*)</source>
            <translation>Aufzeichnungen (*.imt *.int *.txt *.strace);;Alle Dateien (*)</translation>
        </message>
        <message>
            <source>Score logs (*.log *.txt *.tsv);;All files (*)</source>
            <translation>Score-Protokolle (*.log *.txt *.tsv);;Alle Dateien (*)</translation>
        </message>
        <message>
            <source>Image (*.png);;Drawing (*.svg);;Values (*.csv)</source>
            <translation>Bild (*.png);;Zeichnung (*.svg);;Werte (*.csv)</translation>
        </message>
        <message>
            <source>{0} is empty.</source>
            <translation>{0} ist leer.</translation>
        </message>
    </context>
    <context>
        <name>files</name>
        <message>
            <source>{0} was put there by another user, who could read it, in a folder where everybody may: choose another name.</source>
            <translation>{0} hat ein anderer Benutzer, der es lesen könnte, in einen allen offenen Ordner gelegt: Wählen Sie einen anderen Namen.</translation>
        </message>
        <message>
            <source>{0} is a link to {1}, which does not exist; remove it or choose another name.</source>
            <translation>{0} ist ein Link auf {1}, das nicht besteht; entfernen Sie ihn oder wählen Sie einen anderen Namen.</translation>
        </message>
        <message>
            <source>{0} is a device, pipe or socket, which a saved file would replace; choose another name.</source>
            <translation>{0} ist ein Gerät, eine Pipe oder ein Socket und würde durch die gesicherte Datei ersetzt; wählen Sie einen anderen Namen.</translation>
        </message>
        <message>
            <source>{0} exists already; choose another name, or say that it may be replaced.</source>
            <translation>{0} besteht schon; wählen Sie einen anderen Namen, oder erlauben Sie das Ersetzen.</translation>
        </message>
        <message>
            <source>{0} was changed by another program meanwhile, so nothing was saved; read it again and repeat the change.</source>
            <translation>{0} wurde inzwischen von einem anderen Programm geändert, daher wurde nichts gesichert; lesen Sie es neu und wiederholen Sie die Änderung.</translation>
        </message>
        <message>
            <source>{0} was made by another program meanwhile.</source>
            <translation>{0} wurde inzwischen von einem anderen Programm angelegt.</translation>
        </message>
    </context>
    <context>
        <name>kernel_request</name>
        <message>
            <source>The {0} to trace holds characters that cannot be printed.</source>
            <translation>Die Angabe ({0}), was verfolgt werden soll, enthält nicht druckbare Zeichen.</translation>
        </message>
        <message>
            <source>{0} is not a process number.</source>
            <translation>{0} ist keine Prozessnummer.</translation>
        </message>
        <message>
            <source>{0} is not the {1} of a program: give its base name.</source>
            <translation>{0} bezeichnet kein Programm ({1}): Geben Sie den Namen ohne Pfad an.</translation>
        </message>
        <message>
            <source>The {0} {1}... is longer than {2} bytes.</source>
            <translation>Die Angabe ({0}) {1}... ist länger als {2} Byte.</translation>
        </message>
        <message>
            <source>{0} is not a full path: it has to start with /.</source>
            <translation>{0} ist kein voller Pfad: Er muss mit / beginnen.</translation>
        </message>
        <message>
            <source>{0} is not a full path: give it without . and .., to the last name.</source>
            <translation>{0} ist kein voller Pfad: Geben Sie ihn ohne . und .. bis zum letzten Namen an.</translation>
        </message>
        <message>
            <source>{0} is a folder: give the path of a program.</source>
            <translation>{0} ist ein Ordner: Geben Sie den Pfad eines Programms an.</translation>
        </message>
        <message>
            <source>Say which application the kernel tracer shall follow.</source>
            <translation>Geben Sie an, welche Anwendung der Kernel-Tracer verfolgen soll.</translation>
        </message>
        <message>
            <source>The kernel tracer follows at most {0} applications at once, named in at most {1} ways.</source>
            <translation>Der Kernel-Tracer verfolgt höchstens {0} Anwendungen zugleich, durch höchstens {1} Angaben benannt.</translation>
        </message>
        <message>
            <source>A process that is named by its number has started already.</source>
            <translation>Ein Prozess, der durch seine Nummer benannt ist, läuft schon.</translation>
        </message>
    </context>
    <context>
        <name>lookout</name>
        <message>
            <source>Only Linux has the kernel tracer.</source>
            <translation>Den Kernel-Tracer gibt es nur unter Linux.</translation>
        </message>
    </context>
    <context>
        <name>matching</name>
        <message>
            <source>There are no control groups of version 2 here (no cgroup2 is mounted): name the program by its name or path instead.</source>
            <translation>Hier gibt es keine Control-Groups der Version 2 (kein cgroup2 eingehängt): Benennen Sie das Programm stattdessen durch Namen oder Pfad.</translation>
        </message>
        <message>
            <source>{0} is not below {1}, where the control groups are.</source>
            <translation>{0} liegt nicht unterhalb von {1}, wo die Control-Groups sind.</translation>
        </message>
    </context>
    <context>
        <name>menus</name>
        <message>
            <source>&amp;File</source>
            <translation>&amp;Datei</translation>
        </message>
        <message>
            <source>&amp;Monitor</source>
            <translation>&amp;Überwachung</translation>
        </message>
        <message>
            <source>&amp;Tools</source>
            <translation>&amp;Werkzeuge</translation>
        </message>
        <message>
            <source>&amp;Help</source>
            <translation>&amp;Hilfe</translation>
        </message>
        <message>
            <source>Connect to &amp;driver...</source>
            <translation>Mit &amp;Treiber verbinden...</translation>
        </message>
        <message>
            <source>Trace an application from inside the kernel</source>
            <translation>Eine Anwendung aus dem Kernel heraus verfolgen</translation>
        </message>
        <message>
            <source>Connect to &amp;sensor...</source>
            <translation>Mit &amp;Sensor verbinden...</translation>
        </message>
        <message>
            <source>Wait for sensors on a socket, or run a program under one</source>
            <translation>An einem Socket auf Sensoren warten oder ein Programm unter einem starten</translation>
        </message>
        <message>
            <source>&amp;Open trace...</source>
            <translation>&amp;Aufzeichnung öffnen...</translation>
        </message>
        <message>
            <source>Replay a recorded trace</source>
            <translation>Eine Aufzeichnung abspielen</translation>
        </message>
        <message>
            <source>Open &amp;file...</source>
            <translation>Datei &amp;öffnen...</translation>
        </message>
        <message>
            <source>Open a behaviour database, a trace or a score log, by its content</source>
            <translation>Eine Verhaltensdatenbank, eine Aufzeichnung oder ein Score-Protokoll öffnen, nach dem Inhalt</translation>
        </message>
        <message>
            <source>&amp;Close device</source>
            <translation>&amp;Gerät schließen</translation>
        </message>
        <message>
            <source>Let the device go, also while monitoring</source>
            <translation>Das Gerät freigeben, auch während der Überwachung</translation>
        </message>
        <message>
            <source>&amp;Quit</source>
            <translation>&amp;Beenden</translation>
        </message>
        <message>
            <source>End ImSafe and its monitor</source>
            <translation>ImSafe und seine Überwachung beenden</translation>
        </message>
        <message>
            <source>&amp;Configure...</source>
            <translation>&amp;Konfigurieren...</translation>
        </message>
        <message>
            <source>Behaviour database, threshold, log, action on alert</source>
            <translation>Verhaltensdatenbank, Schwelle, Protokoll, Aktion bei Alarm</translation>
        </message>
        <message>
            <source>&amp;Start Monitor</source>
            <translation>Überwachung &amp;starten</translation>
        </message>
        <message>
            <source>Watch the device and react</source>
            <translation>Das Gerät überwachen und reagieren</translation>
        </message>
        <message>
            <source>S&amp;top Monitor</source>
            <translation>Überwachung s&amp;toppen</translation>
        </message>
        <message>
            <source>Stop watching; what was shown stays</source>
            <translation>Die Überwachung stoppen; was gezeigt wurde, bleibt</translation>
        </message>
        <message>
            <source>&amp;Attach...</source>
            <translation>An&amp;hängen...</translation>
        </message>
        <message>
            <source>Show a monitor that runs already, such as a service</source>
            <translation>Eine Überwachung zeigen, die schon läuft, etwa einen Dienst</translation>
        </message>
        <message>
            <source>&amp;Read profiles again</source>
            <translation>&amp;Profile neu einlesen</translation>
        </message>
        <message>
            <source>After learning more: the monitor goes on with the databases as they are on the disk now</source>
            <translation>Nachdem mehr gelernt wurde: Die Überwachung läuft mit den Datenbanken weiter, wie sie jetzt auf der Platte stehen</translation>
        </message>
        <message>
            <source>&amp;Plot graph...</source>
            <translation>&amp;Diagramm zeichnen...</translation>
        </message>
        <message>
            <source>Plot a score log, also one that is still being written</source>
            <translation>Ein Score-Protokoll zeichnen, auch eines, das noch geschrieben wird</translation>
        </message>
        <message>
            <source>&amp;Learn profile...</source>
            <translation>&amp;Profil lernen...</translation>
        </message>
        <message>
            <source>Make a behaviour database from recorded traces, or add to one</source>
            <translation>Aus Aufzeichnungen eine Verhaltensdatenbank erstellen oder eine erweitern</translation>
        </message>
        <message>
            <source>&amp;Trace to file...</source>
            <translation>In Datei &amp;aufzeichnen...</translation>
        </message>
        <message>
            <source>Record the device's system calls, to learn from</source>
            <translation>Die Systemaufrufe des Geräts aufzeichnen, um daraus zu lernen</translation>
        </message>
        <message>
            <source>&amp;Display tree...</source>
            <translation>&amp;Baum anzeigen...</translation>
        </message>
        <message>
            <source>Show the sequences in a behaviour database and their probabilities</source>
            <translation>Die Folgen in einer Verhaltensdatenbank und ihre Wahrscheinlichkeiten zeigen</translation>
        </message>
        <message>
            <source>&amp;Manual</source>
            <translation>&amp;Handbuch</translation>
        </message>
        <message>
            <source>The manual</source>
            <translation>Das Handbuch (englisch)</translation>
        </message>
        <message>
            <source>&amp;What's this?</source>
            <translation>&amp;Was ist das?</translation>
        </message>
        <message>
            <source>Then click what you want explained; F1 in a dialog opens its chapter</source>
            <translation>Klicken Sie danach auf das, was erklärt werden soll; F1 in einem Dialog öffnet sein Kapitel</translation>
        </message>
        <message>
            <source>&amp;First steps...</source>
            <translation>&amp;Erste Schritte...</translation>
        </message>
        <message>
            <source>From nothing to a live plot of a program of yours</source>
            <translation>Von null zum Live-Diagramm eines Ihrer Programme</translation>
        </message>
        <message>
            <source>&amp;About</source>
            <translation>&amp;Über</translation>
        </message>
        <message>
            <source>Version and licence</source>
            <translation>Version und Lizenz</translation>
        </message>
        <message>
            <source>Driver</source>
            <translation>Treiber</translation>
        </message>
        <message>
            <source>Sensor</source>
            <translation>Sensor</translation>
        </message>
        <message>
            <source>Trace</source>
            <translation>Aufzeichnung</translation>
        </message>
        <message>
            <source>Close device</source>
            <translation>Gerät schließen</translation>
        </message>
        <message>
            <source>Configure</source>
            <translation>Konfigurieren</translation>
        </message>
        <message>
            <source>Start</source>
            <translation>Starten</translation>
        </message>
        <message>
            <source>Stop</source>
            <translation>Stoppen</translation>
        </message>
        <message>
            <source>Record</source>
            <translation>Aufzeichnen</translation>
        </message>
        <message>
            <source>Learn</source>
            <translation>Lernen</translation>
        </message>
        <message>
            <source>Tree</source>
            <translation>Baum</translation>
        </message>
        <message>
            <source>&amp;Recent files</source>
            <translation>&amp;Zuletzt geöffnet</translation>
        </message>
        <message>
            <source>&amp;View</source>
            <translation>&amp;Ansicht</translation>
        </message>
        <message>
            <source>&amp;Restore the last session at start</source>
            <translation>Letzte Sitzung beim Start &amp;wiederherstellen</translation>
        </message>
        <message>
            <source>Toolbar</source>
            <translation>Werkzeugleiste</translation>
        </message>
        <message>
            <source>What else the toolbar has</source>
            <translation>Was die Werkzeugleiste noch hat</translation>
        </message>
    </context>
    <context>
        <name>mode_check</name>
        <message>
            <source>It was learned with a sensor, and the device is the driver: calls that only one of them sees will surprise. Better learn with the same.</source>
            <translation>Gelernt wurde mit einem Sensor, das Gerät ist der Treiber: Aufrufe, die nur einer von beiden sieht, werden überraschen. Lernen Sie besser mit demselben.</translation>
        </message>
        <message>
            <source>It was learned with the driver, and the device is a sensor: calls that only one of them sees will surprise. Better learn with the same.</source>
            <translation>Gelernt wurde mit dem Treiber, das Gerät ist ein Sensor: Aufrufe, die nur einer von beiden sieht, werden überraschen. Lernen Sie besser mit demselben.</translation>
        </message>
        <message>
            <source>It was learned without execve traced, and the device watches with execve traced: change that in the device, or learn again.</source>
            <translation>Gelernt wurde, ohne execve zu verfolgen, das Gerät verfolgt execve: Ändern Sie das im Gerät, oder lernen Sie neu.</translation>
        </message>
        <message>
            <source>It was learned with execve traced, and the device watches without execve traced: change that in the device, or learn again.</source>
            <translation>Gelernt wurde mit verfolgtem execve, das Gerät verfolgt execve nicht: Ändern Sie das im Gerät, oder lernen Sie neu.</translation>
        </message>
        <message>
            <source>It was learned with all calls, also those that the program's own filter denies, and the sensor leaves them out: tick that in the device.</source>
            <translation>Gelernt wurde mit allen Aufrufen, auch denen, die der eigene Filter des Programms abweist; der Sensor lässt sie aus: Kreuzen Sie das im Gerät an.</translation>
        </message>
        <message>
            <source>It was learned without the calls that the program's own filter denies, and the sensor sees them: untick that in the device, or learn again.</source>
            <translation>Gelernt wurde ohne die Aufrufe, die der eigene Filter des Programms abweist; der Sensor sieht sie: Schalten Sie das im Gerät ab, oder lernen Sie neu.</translation>
        </message>
    </context>
    <context>
        <name>next_step</name>
        <message>
            <source>&lt;h3&gt;Attached&lt;/h3&gt;&lt;p&gt;The monitor has not seen a system call yet.&lt;/p&gt;</source>
            <translation>&lt;h3&gt;Angehängt&lt;/h3&gt;&lt;p&gt;Die Überwachung hat noch keinen Systemaufruf gesehen.&lt;/p&gt;</translation>
        </message>
        <message>
            <source>&lt;h3&gt;The monitor starts&lt;/h3&gt;&lt;p&gt;The very first time it is got ready for this machine, which takes a quarter of a minute.&lt;/p&gt;</source>
            <translation>&lt;h3&gt;Die Überwachung startet&lt;/h3&gt;&lt;p&gt;Beim allerersten Mal wird sie für diesen Rechner vorbereitet; das dauert eine Viertelminute.&lt;/p&gt;</translation>
        </message>
        <message>
            <source>&lt;h3&gt;Waiting for a sensor&lt;/h3&gt;&lt;p&gt;In a terminal, put a program under one:&lt;/p&gt;&lt;p&gt;&lt;code&gt;{0}&lt;/code&gt;&lt;/p&gt;</source>
            <translation>&lt;h3&gt;Wartet auf einen Sensor&lt;/h3&gt;&lt;p&gt;Starten Sie im Terminal ein Programm unter einem:&lt;/p&gt;&lt;p&gt;&lt;code&gt;{0}&lt;/code&gt;&lt;/p&gt;</translation>
        </message>
        <message>
            <source>&lt;h3&gt;The device is closed&lt;/h3&gt;&lt;p&gt;Choose another one under File.&lt;/p&gt;</source>
            <translation>&lt;h3&gt;Das Gerät ist geschlossen&lt;/h3&gt;&lt;p&gt;Wählen Sie unter Datei ein anderes.&lt;/p&gt;</translation>
        </message>
        <message>
            <source>&lt;h3&gt;Waiting for system calls&lt;/h3&gt;</source>
            <translation>&lt;h3&gt;Wartet auf Systemaufrufe&lt;/h3&gt;</translation>
        </message>
        <message>
            <source>Device: {0}; &lt;a href='close'&gt;close it&lt;/a&gt; to choose another.</source>
            <translation>Gerät: {0}; &lt;a href='close'&gt;schließen Sie es&lt;/a&gt;, um ein anderes zu wählen.</translation>
        </message>
        <message>
            <source>Choose where system calls come from: &lt;a href='driver'&gt;connect to the driver&lt;/a&gt; (any application, traced by the kernel), &lt;a href='sensor'&gt;connect to a sensor&lt;/a&gt; (a program of yours), or &lt;a href='trace'&gt;open a recorded trace&lt;/a&gt;.</source>
            <translation>Wählen Sie, woher die Systemaufrufe kommen: &lt;a href='driver'&gt;mit dem Treiber verbinden&lt;/a&gt; (jede Anwendung, vom Kernel verfolgt), &lt;a href='sensor'&gt;mit einem Sensor verbinden&lt;/a&gt; (eines Ihrer Programme) oder &lt;a href='trace'&gt;eine Aufzeichnung öffnen&lt;/a&gt;.</translation>
        </message>
        <message>
            <source>&lt;a href='configure'&gt;Choose a behaviour database&lt;/a&gt;; if there is none yet, &lt;a href='record'&gt;record&lt;/a&gt; the program at its normal work and &lt;a href='learn'&gt;learn&lt;/a&gt; from that.</source>
            <translation>&lt;a href='configure'&gt;Wählen Sie eine Verhaltensdatenbank&lt;/a&gt;; gibt es noch keine, &lt;a href='record'&gt;zeichnen Sie&lt;/a&gt; das Programm bei seiner normalen Arbeit &lt;a href='record'&gt;auf&lt;/a&gt; und &lt;a href='learn'&gt;lernen Sie&lt;/a&gt; daraus.</translation>
        </message>
        <message>
            <source>&lt;a href='start'&gt;Start the monitor&lt;/a&gt;.</source>
            <translation>&lt;a href='start'&gt;Starten Sie die Überwachung&lt;/a&gt;.</translation>
        </message>
        <message>
            <source>Start the monitor.</source>
            <translation>Starten Sie die Überwachung.</translation>
        </message>
        <message>
            <source>&lt;p&gt;New here? The &lt;a href='guide'&gt;first steps&lt;/a&gt; lead you from nothing to a live plot of a program of yours. Or, by hand:&lt;/p&gt;</source>
            <translation>&lt;p&gt;Neu hier? Die &lt;a href='guide'&gt;ersten Schritte&lt;/a&gt; führen von null zum Live-Diagramm eines Ihrer Programme. Oder von Hand:&lt;/p&gt;</translation>
        </message>
        <message>
            <source>&lt;h3&gt;Nothing is being watched&lt;/h3&gt;</source>
            <translation>&lt;h3&gt;Es wird nichts überwacht&lt;/h3&gt;</translation>
        </message>
        <message>
            <source>&lt;h3&gt;The kernel tracer does not run&lt;/h3&gt;&lt;p&gt;{0}&lt;/p&gt;&lt;p&gt;&lt;a href='close'&gt;Close the device&lt;/a&gt;, then choose one again.&lt;/p&gt;</source>
            <translation>&lt;h3&gt;Der Kernel-Tracer läuft nicht&lt;/h3&gt;&lt;p&gt;{0}&lt;/p&gt;&lt;p&gt;&lt;a href='close'&gt;Schließen Sie das Gerät&lt;/a&gt;, dann wählen Sie neu.&lt;/p&gt;</translation>
        </message>
        <message>
            <source>&lt;h3&gt;Waiting for permission&lt;/h3&gt;&lt;p&gt;Only root can start the kernel tracer: you are asked for a password.&lt;/p&gt;</source>
            <translation>&lt;h3&gt;Wartet auf Erlaubnis&lt;/h3&gt;&lt;p&gt;Nur root kann den Kernel-Tracer starten: Sie werden nach einem Passwort gefragt.&lt;/p&gt;</translation>
        </message>
        <message>
            <source>&lt;h3&gt;Waiting for system calls&lt;/h3&gt;&lt;p&gt;of {0}&lt;/p&gt;</source>
            <translation>&lt;h3&gt;Wartet auf Systemaufrufe&lt;/h3&gt;&lt;p&gt;von {0}&lt;/p&gt;</translation>
        </message>
    </context>
    <context>
        <name>opening</name>
        <message>
            <source>The profile {0} is being changed by another program; try again.</source>
            <translation>Das Profil {0} wird gerade von einem anderen Programm geändert; versuchen Sie es noch einmal.</translation>
        </message>
        <message>
            <source>The profile {0} is damaged: {1}.</source>
            <translation>Das Profil {0} ist beschädigt: {1}.</translation>
        </message>
        <message>
            <source>{0} is not a profile.</source>
            <translation>{0} ist kein Profil.</translation>
        </message>
        <message>
            <source>The profile {0} has a write-ahead log; it was not made by ImSafe.</source>
            <translation>Das Profil {0} hat ein Write-Ahead-Log; es stammt nicht von ImSafe.</translation>
        </message>
        <message>
            <source>The profile {0} was learned by an earlier ImSafe, whose scores were others (its format is {1}.{2}); learn it again from its traces.</source>
            <translation>Das Profil {0} wurde von einem früheren ImSafe gelernt, dessen Scores andere waren (Format {1}.{2}); lernen Sie es aus seinen Aufzeichnungen neu.</translation>
        </message>
        <message>
            <source>The profile {0} was made by a newer ImSafe (its format is {1}.{2}); update ImSafe to read it.</source>
            <translation>Das Profil {0} stammt von einem neueren ImSafe (Format {1}.{2}); aktualisieren Sie ImSafe, um es zu lesen.</translation>
        </message>
    </context>
    <context>
        <name>pace</name>
        <message>
            <source>not learned enough for a threshold: {0} of {1} units (a unit is a process, or {2} calls of a long one)</source>
            <translation>nicht genug gelernt für eine Schwelle: {0} von {1} Einheiten (eine Einheit ist ein Prozess oder {2} Aufrufe eines langen)</translation>
        </message>
    </context>
    <context>
        <name>panes</name>
        <message>
            <source>Messages</source>
            <translation>Meldungen</translation>
        </message>
        <message>
            <source>Alerts</source>
            <translation>Alarme</translation>
        </message>
        <message>
            <source>Processes</source>
            <translation>Prozesse</translation>
        </message>
        <message>
            <source>Calls</source>
            <translation>Aufrufe</translation>
        </message>
        <message>
            <source>Desktop &amp;notifications</source>
            <translation>Desktop-&amp;Benachrichtigungen</translation>
        </message>
        <message>
            <source>Tell of alerts on the desktop while this window is not in use</source>
            <translation>Alarme auf dem Desktop melden, während dieses Fenster nicht benutzt wird</translation>
        </message>
        <message>
            <source>&amp;Go to</source>
            <translation>Gehe &amp;zu</translation>
        </message>
        <message>
            <source>&amp;Plot</source>
            <translation>&amp;Diagramm</translation>
        </message>
        <message>
            <source>&amp;Alerts</source>
            <translation>&amp;Alarme</translation>
        </message>
        <message>
            <source>&amp;Calls</source>
            <translation>A&amp;ufrufe</translation>
        </message>
        <message>
            <source>P&amp;rocesses</source>
            <translation>&amp;Prozesse</translation>
        </message>
        <message>
            <source>&amp;Messages</source>
            <translation>&amp;Meldungen</translation>
        </message>
    </context>
    <context>
        <name>plot</name>
        <message>
            <source>1 in {0}</source>
            <translation>1 von {0}</translation>
        </message>
    </context>
    <context>
        <name>plot_readout</name>
        <message>
            <source>pid {0}</source>
            <translation>PID {0}</translation>
        </message>
        <message>
            <source>score {0} ({1})</source>
            <translation>Score {0} ({1})</translation>
        </message>
        <message>
            <source>and {0} more</source>
            <translation>und {0} weitere</translation>
        </message>
        <message>
            <source>Calls were lost here.</source>
            <translation>Hier gingen Aufrufe verloren.</translation>
        </message>
        <message numerus="yes">
            <source>{0} alerts: click the triangle for the reason</source>
            <translation>
                <numerusform>{0} Alarm: Ein Klick auf das Dreieck zeigt den Grund</numerusform>
                <numerusform>{0} Alarme: Ein Klick auf das Dreieck zeigt den Grund</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>{0} alerts</source>
            <translation>
                <numerusform>{0} Alarm</numerusform>
                <numerusform>{0} Alarme</numerusform>
            </translation>
        </message>
        <message>
            <source>highest of {0}</source>
            <translation>höchster von {0}</translation>
        </message>
        <message>
            <source>{0} calls/s</source>
            <translation>{0} Aufrufe/s</translation>
        </message>
    </context>
    <context>
        <name>plot_scene</name>
        <message>
            <source>Drag to change the threshold</source>
            <translation>Ziehen, um die Schwelle zu ändern</translation>
        </message>
        <message>
            <source>threshold</source>
            <translation>Schwelle</translation>
        </message>
        <message>
            <source>score</source>
            <translation>Score</translation>
        </message>
        <message>
            <source>as rare as</source>
            <translation>so selten wie</translation>
        </message>
        <message>
            <source>calls/s</source>
            <translation>Aufrufe/s</translation>
        </message>
    </context>
    <context>
        <name>programs</name>
        <message>
            <source>{0} and {1} more</source>
            <translation>{0} und {1} weitere</translation>
        </message>
        <message>
            <source>Programs: {0}; another one scores {1:.3f}.</source>
            <translation>Programme: {0}; ein anderes hat den Score {1:.3f}.</translation>
        </message>
        <message>
            <source>Programs: {0}; another one does not raise the score yet.</source>
            <translation>Programme: {0}; ein anderes erhöht den Score noch nicht.</translation>
        </message>
    </context>
    <context>
        <name>saturation</name>
        <message>
            <source>learned: {0:.1f} % of what is to be expected ({1:.1f} new sequences in {2} calls)</source>
            <translation>gelernt: {0:.1f} % des zu Erwartenden ({1:.1f} neue Folgen in {2} Aufrufen)</translation>
        </message>
        <message>
            <source>keep recording: {0:.1f} % of what is to be expected is learned ({1:.1f} new sequences in {2} calls)</source>
            <translation>weiter aufzeichnen: {0:.1f} % des zu Erwartenden sind gelernt ({1:.1f} neue Folgen in {2} Aufrufen)</translation>
        </message>
    </context>
    <context>
        <name>score_log</name>
        <message>
            <source>{0} is not a file.</source>
            <translation>{0} ist keine Datei.</translation>
        </message>
        <message>
            <source>{0} is not a score log of ImSafe.</source>
            <translation>{0} ist kein Score-Protokoll von ImSafe.</translation>
        </message>
        <message>
            <source>{0} is not a score log of ImSafe: a line has no end.</source>
            <translation>{0} ist kein Score-Protokoll von ImSafe: Eine Zeile hat kein Ende.</translation>
        </message>
    </context>
    <context>
        <name>status_line</name>
        <message>
            <source>Where system calls come from</source>
            <translation>Woher die Systemaufrufe kommen</translation>
        </message>
        <message>
            <source>Calls scored per second</source>
            <translation>Bewertete Aufrufe je Sekunde</translation>
        </message>
        <message>
            <source>Calls that the tracer or the socket had to drop</source>
            <translation>Aufrufe, die der Tracer oder der Socket verwerfen musste</translation>
        </message>
        <message>
            <source>What the scoring does</source>
            <translation>Was die Bewertung tut</translation>
        </message>
        <message>
            <source>{0} calls/s</source>
            <translation>{0} Aufrufe/s</translation>
        </message>
        <message>
            <source>{0} lost</source>
            <translation>{0} verloren</translation>
        </message>
        <message numerus="yes">
            <source>io_uring in {0} processes</source>
            <translation>
                <numerusform>io_uring in {0} Prozess</numerusform>
                <numerusform>io_uring in {0} Prozessen</numerusform>
            </translation>
        </message>
        <message>
            <source>The latest {0} of them:</source>
            <translation>Die letzten {0} davon:</translation>
        </message>
        <message>
            <source>No device</source>
            <translation>Kein Gerät</translation>
        </message>
        <message>
            <source>{0} and {1} more</source>
            <translation>{0} und {1} weitere</translation>
        </message>
        <message>
            <source>Not monitoring</source>
            <translation>Keine Überwachung</translation>
        </message>
        <message>
            <source>Stopping...</source>
            <translation>Stoppt...</translation>
        </message>
        <message>
            <source>No answer for {0:.0f} s</source>
            <translation>Seit {0:.0f} s keine Antwort</translation>
        </message>
        <message>
            <source>Starting...</source>
            <translation>Startet...</translation>
        </message>
        <message numerus="yes">
            <source>{0} open alerts</source>
            <translation>
                <numerusform>{0} offener Alarm</numerusform>
                <numerusform>{0} offene Alarme</numerusform>
            </translation>
        </message>
        <message>
            <source>Not learned enough for a threshold</source>
            <translation>Nicht genug gelernt für eine Schwelle</translation>
        </message>
        <message>
            <source>Watching</source>
            <translation>Überwacht</translation>
        </message>
        <message>
            <source>Idle</source>
            <translation>Untätig</translation>
        </message>
        <message>
            <source>Ending</source>
            <translation>Endet</translation>
        </message>
        <message>
            <source>Waiting for permission</source>
            <translation>Wartet auf Erlaubnis</translation>
        </message>
        <message>
            <source>Starting the kernel tracer</source>
            <translation>Startet den Kernel-Tracer</translation>
        </message>
        <message>
            <source>Waiting for a sensor</source>
            <translation>Wartet auf einen Sensor</translation>
        </message>
        <message numerus="yes">
            <source>{0} sensors</source>
            <translation>
                <numerusform>{0} Sensor</numerusform>
                <numerusform>{0} Sensoren</numerusform>
            </translation>
        </message>
        <message>
            <source>replaying, {0}</source>
            <translation>spielt ab, {0}</translation>
        </message>
        <message>
            <source>closed</source>
            <translation>geschlossen</translation>
        </message>
        <message>
            <source>ended</source>
            <translation>beendet</translation>
        </message>
        <message>
            <source>failed</source>
            <translation>fehlgeschlagen</translation>
        </message>
        <message>
            <source>not started</source>
            <translation>nicht gestartet</translation>
        </message>
        <message>
            <source>replay closed</source>
            <translation>geschlossen</translation>
        </message>
        <message>
            <source>replay finished</source>
            <translation>abgespielt</translation>
        </message>
        <message>
            <source>replay not started</source>
            <translation>nicht begonnen</translation>
        </message>
        <message>
            <source>replaying</source>
            <translation>spielt ab</translation>
        </message>
        <message>
            <source>starting</source>
            <translation>startet</translation>
        </message>
        <message>
            <source>stopped</source>
            <translation>angehalten</translation>
        </message>
        <message>
            <source>tracing</source>
            <translation>verfolgt</translation>
        </message>
        <message>
            <source>waiting for a sensor</source>
            <translation>wartet auf einen Sensor</translation>
        </message>
        <message>
            <source>waiting for permission</source>
            <translation>wartet auf Erlaubnis</translation>
        </message>
    </context>
    <context>
        <name>trace_list</name>
        <message>
            <source>folder, searched for traces</source>
            <translation>Ordner, nach Aufzeichnungen durchsucht</translation>
        </message>
        <message>
            <source>{0} is a behaviour database: name it as input database.</source>
            <translation>{0} ist eine Verhaltensdatenbank: Geben Sie sie als Eingabedatenbank an.</translation>
        </message>
        <message>
            <source>{0} is a score log, which cannot be learned.</source>
            <translation>{0} ist ein Score-Protokoll; daraus kann nicht gelernt werden.</translation>
        </message>
        <message>
            <source>recording of ImSafe</source>
            <translation>ImSafe-Aufzeichnung</translation>
        </message>
        <message>
            <source>strace log</source>
            <translation>strace-Protokoll</translation>
        </message>
        <message>
            <source>UNM trace</source>
            <translation>UNM-Aufzeichnung</translation>
        </message>
        <message>
            <source>ADFA-LD trace</source>
            <translation>ADFA-LD-Aufzeichnung</translation>
        </message>
        <message>
            <source>There is no {0} any more.</source>
            <translation>{0} gibt es nicht mehr.</translation>
        </message>
        <message>
            <source>{0} Remove it from the list.</source>
            <translation>{0} Nehmen Sie es aus der Liste.</translation>
        </message>
    </context>
    <context>
        <name>traces</name>
        <message>
            <source>{0} is empty: there is no trace in it.</source>
            <translation>{0} ist leer: Es enthält keine Aufzeichnung.</translation>
        </message>
        <message>
            <source>{0} is not a trace of a known format (an ImSafe recording, strace -f -o text, UNM or ADFA-LD numbers).</source>
            <translation>{0} ist keine Aufzeichnung in einem bekannten Format (ImSafe-Aufzeichnung, Text von strace -f -o, Zahlen von UNM oder ADFA-LD).</translation>
        </message>
    </context>
    <context>
        <name>tree_export</name>
        <message>
            <source>Graph for Graphviz (&amp;DOT)...</source>
            <translation>Graph für Graphviz (&amp;DOT)...</translation>
        </message>
        <message>
            <source>&amp;JSON, a sequence a line...</source>
            <translation>&amp;JSON, eine Folge je Zeile...</translation>
        </message>
        <message>
            <source>Allow-list for &amp;containers (seccomp)...</source>
            <translation>Erlaubnisliste für &amp;Container (seccomp)...</translation>
        </message>
        <message>
            <source>Allow-list for s&amp;ystemd...</source>
            <translation>Erlaubnisliste für s&amp;ystemd...</translation>
        </message>
    </context>
    <context>
        <name>view</name>
        <message>
            <source>The monitor did not introduce itself; it may be of another version.</source>
            <translation>Die Überwachung hat sich nicht vorgestellt; vielleicht ist sie von einer anderen Version.</translation>
        </message>
        <message>
            <source>The monitor speaks version {0} of the view protocol and this window version {1}; update the older of the two.</source>
            <translation>Die Überwachung spricht Version {0} des View-Protokolls, dieses Fenster Version {1}; aktualisieren Sie das ältere von beiden.</translation>
        </message>
        <message>
            <source>The monitor sent what the view protocol does not know: {0}.</source>
            <translation>Die Überwachung sandte etwas, das das View-Protokoll nicht kennt: {0}.</translation>
        </message>
        <message>
            <source>The monitor sent an object without the keys it should have; it may be of another version.</source>
            <translation>Die Überwachung sandte ein Objekt ohne die nötigen Schlüssel; vielleicht ist sie von einer anderen Version.</translation>
        </message>
    </context>
    <context>
        <name>words</name>
        <message>
            <source>English</source>
            <translation>Deutsch</translation>
        </message>
        <message>
            <source>,</source>
            <comment>between the thousands of a number</comment>
            <translation> </translation>
        </message>
    </context>
</TS>
