import pytest


def test_fails():
    assert 1 == 2


def test_one():
    pass


def test_one_more():
    pass


class TestClass:
    @pytest.mark.parametrize("text", ["a b", "p::q", "é.f"])
    def test_c(self, text):
        assert text != "a b"
