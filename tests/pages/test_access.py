"""What a page lets its visitors read: nothing outside the roots, and no word of whether it exists."""

import pytest
import streamlit as st

from pages.components import access
from pseudofam_core import places
from tests.pages.conftest import said


@pytest.fixture
def unlimited(monkeypatch):
    monkeypatch.setenv(places.VARIABLE, "")
    monkeypatch.delenv(places.VARIABLE)


def test_beyond_the_roots_a_page_knows_nothing(world, tmp_path, monkeypatch):
    monkeypatch.setenv(places.VARIABLE, str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    there, nowhere = (world.open(model="sample", corpus=f"{tmp_path}/{name}") for name in ("corpus", "nothing"))
    assert not there.exception
    assert "There is no such file or folder below the folders that are open here" in said(there)
    assert said(there).replace("corpus", "nothing") == said(nowhere).replace("corpus", "nothing")


@pytest.mark.parametrize(("address", "is_told"), [("localhost", False), ("127.0.0.1", False), ("0.0.0.0", True)])
def test_an_address_without_roots_is_told(unlimited, monkeypatch, caplog, address, is_told):
    monkeypatch.setattr(st, "get_option", lambda name: address)
    access.limit_reading.clear()
    assert access.limit_reading() is is_told
    assert ("nobody has named the folders" in caplog.text) is is_told
    assert places.roots()
    access.limit_reading.clear()


def test_named_roots_are_not_told_about(monkeypatch):
    monkeypatch.setenv(places.VARIABLE, "/")
    monkeypatch.setattr(st, "get_option", lambda name: "0.0.0.0")
    access.limit_reading.clear()
    assert not access.limit_reading()
    access.limit_reading.clear()
