"""What stands in the files: half lines, encodings, long lines, ends without an end."""

from __future__ import annotations

import os

from tests.scenarios.tailing.catalogue import scenario
from tests.scenarios.tailing.stage import Stage


@scenario("22", "a line in two writes")
def half_line(stage: Stage) -> None:
    stage.start()
    for path in stage.paths:
        (line,) = stage.lines(path)
        with path.open("ab", buffering=0) as file:
            file.write(line[:5])
            stage.pause(0.7)
            file.write(line[5:] + b"\n")
    stage.append_all(2)


@scenario("22b", "a line in two writes, a restart between them")
def half_line_restart(stage: Stage) -> None:
    stage.append_all(2)
    stage.start()
    stage.settle()
    halves = []
    for path in stage.paths:
        (line,) = stage.lines(path)
        with path.open("ab") as file:
            file.write(line[:5])
        halves.append((path, line[5:]))
    stage.pause(0.5)
    stage.stop()
    stage.start()
    stage.pause(0.5)
    for path, rest in halves:
        with path.open("ab") as file:
            file.write(rest + b"\n")
    stage.append_all(2)


@scenario("22c", "a line in two writes, a rotation between them")
def half_line_rotation(stage: Stage) -> None:
    stage.append_all(2)
    stage.start()
    stage.settle()
    for path in stage.paths:
        (line,) = stage.lines(path)
        with path.open("ab", buffering=0) as file:
            file.write(line[:5])
            stage.pause(0.3)
            stage.rotate(path, path.name + ".1")
            stage.append(path, 2)
            file.write(line[5:] + b"\n")


@scenario("23", "characters of several bytes, cut anywhere")
def multibyte(stage: Stage) -> None:
    text = "".join(f"{i} Grüße, 世界, 🧶 \u2028 {'é' * (i % 97)}\n" for i in range(3000)).encode()
    stage.expect(*text.split(b"\n")[:-1])
    stage.start()
    with stage.path.open("ab", buffering=0) as file:
        for at in range(0, len(text), 3001):
            file.write(text[at : at + 3001])


@scenario("24", "CRLF, empty lines, NULs within lines, a byte order mark")
def odd_bytes(stage: Stage) -> None:
    stage.path.write_bytes(b"\xef\xbb\xbfmarked\nwindows\r\n\nin \0\0 side\n\xff\xfe bytes\nlast\n")
    stage.expect(b"marked", b"windows", b"", b"in \0\0 side", b"\xff\xfe bytes", b"last")
    stage.start()
    stage.settle()


@scenario("24b", "UTF-16, with a mark, in pieces")
def utf16(stage: Stage) -> None:
    lines = [f"{i} Grüße ਊ 世界 🧶" for i in range(300)]
    data = "".join(f"{line}\r\n" for line in lines).encode("utf-16")
    stage.expect(*(line.encode() for line in lines))
    stage.start()
    with stage.path.open("ab", buffering=0) as file:
        for at in range(0, len(data), 777):
            file.write(data[at : at + 777])
            stage.pause(0.01)


@scenario("24c", "another encoding, by setting")
def shift_jis(stage: Stage) -> None:
    stage.configure(encoding="shift_jis")
    lines = [f"{i} ログ 表示 ソ" for i in range(200)]
    stage.path.write_bytes("".join(f"{line}\n" for line in lines).encode("shift_jis"))
    stage.expect(*(line.encode() for line in lines))
    stage.start()


@scenario("25", "a very long line among others")
def long_line(stage: Stage) -> None:
    """The others arrive; of the long one a head."""
    size = 100_000_000 if stage.full else 5_000_000
    stage.configure(line_bytes_max=64 * 1024)
    stage.append(stage.path, 500)
    with stage.path.open("ab") as file:
        file.write(b"long" * (size // 4) + b"\n")
    stage.append(stage.path, 500)
    stage.expect(b"a head of the long line")
    stage.start()
    stage.wait_for(lambda: len(stage.arrived()) == 1001)
    heads = [line for line in stage.arrived() if line.startswith(b"longlong")]
    if len(heads) == 1 and len(heads[0]) >= 16 * 1024:
        stage.unwrite(b"a head of the long line")
        stage.expect(heads[0])


@scenario("26", "a last line without its end, in a file that is deleted")
def unterminated(stage: Stage) -> None:
    stage.append_all(5)
    stage.start()
    stage.settle()
    for path in stage.paths:
        (line,) = stage.lines(path)
        with path.open("ab") as file:
            file.write(line)
    stage.pause(0.7)
    for path in stage.paths:
        path.unlink()


@scenario("26b", "a last line without its end, in a file that is rotated; completed late in another")
def unterminated_rotated(stage: Stage) -> None:
    stage.append_all(5)
    stage.start()
    stage.settle()
    for path in stage.paths:
        (line,) = stage.lines(path)
        with path.open("ab") as file:
            file.write(line)
        stage.pause(0.2)
        stage.rotate(path, path.name + ".1")
        (slow,) = stage.lines(path)
        with path.open("ab", buffering=0) as file:
            file.write(slow[:4])
            stage.pause(1.0)
            file.write(slow[4:] + b"\n")


JAVA = b"""2026-11-24 10:00:00 ERROR boom %d
java.lang.IllegalStateException: outer
\tat com.example.Outer.call(Outer.java:10)
\tSuppressed: java.io.IOException: close
Caused by: java.lang.NullPointerException
\tat com.example.Inner.call(Inner.java:%d)
\t... 3 more
"""


@scenario("27", "stack traces with stalls")
def stalls(stage: Stage) -> None:
    stage.start()
    for i in range(10):
        trace = (JAVA % (i, i)).splitlines()
        stage.expect(*trace)
        with stage.path.open("ab", buffering=0) as file:
            for number, line in enumerate(trace):
                file.write(line + b"\n")
                if number == 3:
                    stage.pause(0.1)


def cri(number: int, stream: str, tag: str, text: bytes) -> bytes:
    return b"2026-11-24T10:00:00.%09dZ %s %s %s\n" % (number, stream.encode(), tag.encode(), text)


@scenario("28", "CRI lines in parts, streams interleaved")
def cri_parts(stage: Stage) -> None:
    stage.start()
    with stage.path.open("ab", buffering=0) as file:
        for i in range(20):
            file.write(cri(i, "stdout", "P", b"%d one " % i))
            if i % 3 == 0:
                stage.pause(0.05)
            file.write(cri(i, "stderr", "F", b"%d err" % i))
            file.write(cri(i, "stdout", "P", b"two "))
            file.write(cri(i, "stdout", "F", b"three"))
    for i in range(20):
        stage.expect(cri(i, "stderr", "F", b"%d err" % i).strip())
        stage.expect(cri(i, "stdout", "F", b"%d one two three" % i).strip())


@scenario("28b", "CRI lines in parts, a rotation between them")
def cri_parts_rotation(stage: Stage) -> None:
    stage.configure(paths=("0.log",))
    path = stage.logs / "0.log"
    stage.start()
    for i in range(4):
        with path.open("ab", buffering=0) as file:
            file.write(cri(i, "stdout", "F", b"%d before" % i))
            stage.wait_for(lambda i=i: cri(i, "stdout", "F", b"%d before" % i).strip() in stage.arrived())
            file.write(cri(i, "stdout", "P", b"%d one " % i))
        stage.pause(0.3)
        path.rename(stage.logs / f"0.log.2026112{i}")
        with path.open("ab", buffering=0) as file:
            file.write(cri(i, "stdout", "F", b"two"))
            file.write(cri(i, "stdout", "F", b"%d after" % i))
        for text in (b"%d before", b"%d one two", b"%d after"):
            stage.expect(cri(i, "stdout", "F", text % i).strip())
        stage.settle()


@scenario("28c", "Docker lines in parts, interleaved, a restart between them")
def docker_parts(stage: Stage) -> None:
    def part(text: str, stream: str = "stdout") -> bytes:
        return b'{"log":"%s","stream":"%s","time":"2026-11-24T10:00:00.1Z"}\n' % (text.encode(), stream.encode())

    stage.configure(paths=("*-json.log",), join_parts="all")
    path = stage.logs / "abc-json.log"
    stage.start()
    for i in range(6):
        with path.open("ab", buffering=0) as file:
            file.write(part(f"{i} one \\u00fc "))
            file.write(part(f"{i} err\\n", "stderr"))
            file.write(part("two "))
        stage.pause(0.2)
        if i == 3:
            stage.stop()
            stage.start()
        with path.open("ab", buffering=0) as file:
            file.write(part("three\\n"))
        stage.expect(part(f"{i} err\\n", "stderr").strip(), part(f"{i} one \\u00fc two three\\n").strip())
    stage.settle()
    os.sync()
