"""A journal holds the calls that were really made while it was open, and no others."""

from __future__ import annotations

import os
import threading

import pytest

from shellplay.errors import KernelError
from shellplay.kernel import call_log
from shellplay.kernel.call_log import Journal, note
from shellplay.kernel.constants import CLONE_NEWNET, CLONE_NEWUTS
from shellplay.kernel.here import HERE
from shellplay.model import Call


def test_calls_are_written_down_in_order_with_arguments_and_result() -> None:
    with Journal().recording() as book:
        assert HERE.getpid() == os.getpid()
        HERE.chdir(".")
        note(HERE, "ptrace", ("PTRACE_SEIZE", "1"), 0)
    here = os.getpid()
    assert book.calls() == [
        Call(here, "getpid", (), here, False, None),
        Call(here, "chdir", ('"."',), 0, False, "cd ."),
        Call(here, "ptrace", ("PTRACE_SEIZE", "1"), 0, False, None),
    ]


def test_a_failed_call_is_written_down_with_its_errno() -> None:
    with Journal().recording() as book, pytest.raises(KernelError, match="EBADF"):
        HERE.setns(-1, CLONE_NEWNET, of="/proc/1/ns/net")
    (call,) = book.calls()
    assert (call.result, call.arguments) == (-9, ("/proc/1/ns/net", "CLONE_NEWNET"))
    assert call.same_as == "nsenter --net=/proc/1/ns/net"


def test_a_process_to_join_is_named_as_nsenter_wants_it() -> None:
    with Journal().recording() as book, pytest.raises(KernelError, match="EBADF"):
        HERE.setns(-1, CLONE_NEWNET | CLONE_NEWUTS, of=4242)
    (call,) = book.calls()
    assert call.arguments == ("pidfd(4242)", "CLONE_NEWUTS|CLONE_NEWNET")
    assert call.same_as == "nsenter --target=4242 --uts --net"


def test_nothing_is_written_down_before_and_after() -> None:
    book = Journal()
    HERE.getpid()
    with book.recording():
        assert call_log.current() is book
    HERE.getpid()
    assert call_log.current() is None
    assert book.calls() == []


def test_a_journal_inside_another_takes_the_calls_for_its_time() -> None:
    with Journal().recording() as outer:
        with Journal().recording() as inner:
            HERE.getpid()
        HERE.chdir(".")
    assert [call.name for call in inner.calls()] == ["getpid"]
    assert [call.name for call in outer.calls()] == ["chdir"]


def test_it_is_closed_also_if_the_work_fails() -> None:
    with pytest.raises(KernelError), Journal().recording():
        HERE.chdir("/no such")
    assert call_log.current() is None


def test_the_calls_of_another_thread_are_not_ours() -> None:
    with Journal().recording() as book:
        thread = threading.Thread(target=HERE.getpid)
        thread.start()
        thread.join()
    assert book.calls() == []


def test_what_was_handed_out_stays_and_what_was_cleared_is_gone() -> None:
    with Journal().recording() as book:
        HERE.getpid()
        handed_out = book.calls()
        book.clear()
        assert book.calls() == []
        HERE.getpid()
    assert len(handed_out) == len(book.calls()) == 1
