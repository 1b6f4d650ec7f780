"""What sets jobs of one title apart."""

from dataclasses import replace

from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning import SMALL, Arm, Budget, BudgetMode, FinetuneRequest
from pseudofam_core.jobs import JobView, State
from pseudofam_core.jobs.differences import set_apart
from pseudofam_core.languages import pair

REQUEST = FinetuneRequest(
    Workspace(model="/models/first/m2m"),
    pair("be-en"),
    (Arm("single", ()), Arm("overlap", (pair("bg-en"),))),
    Budget(BudgetMode.EQUAL_UPDATES, 300, None),
    SMALL,
)


def seen(job_id, request, title=None):
    return JobView(
        job_id, "finetune", title or request.title, None, State.DONE, 1.0, 1.0, 1, (), payload=request.payload()
    )


def test_jobs_of_one_title_tell_in_what_they_differ():
    longer = replace(REQUEST, budget=replace(REQUEST.budget, updates=600))
    other_family = replace(REQUEST, arms=(REQUEST.arms[0], Arm("overlap", (pair("bg-en"), pair("ru-en")))))
    told = set_apart([seen("a", REQUEST), seen("b", longer), seen("c", other_family)])
    assert told == {
        "a": "overlap: members bg-en · updates 300",
        "b": "overlap: members bg-en · updates 600",
        "c": "overlap: members bg-en, ru-en · updates 300",
    }


def test_a_job_whose_title_no_other_has_tells_nothing():
    other = replace(REQUEST, target=pair("kk-en"))
    assert set_apart([seen("a", REQUEST), seen("b", other)]) == {"a": "", "b": ""}
    assert set_apart([seen("a", REQUEST)]) == {"a": ""}


def test_what_only_some_have_is_a_dash_for_the_others_and_many_differences_are_counted():
    first, second = seen("a", REQUEST), replace(seen("b", REQUEST), payload={"workspace": {"model": "x"}})
    told = set_apart([first, second])
    assert told["a"].startswith("model m2m · ")
    assert told["b"].startswith("model x · ")
    assert "–" in told["b"]
    assert told["a"].endswith(" more")
    assert told["a"].count(" · ") == 4
