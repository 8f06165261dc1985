"""The page of a bundle, for a person to read it by: one file, no scripts, every text escaped, Chinese and English."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

from findings.bundle import Bundle, ProvenEntry, describe_findings, describe_issues, describe_medium
from findings.evidence_log import read_checkpoint

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,'Noto Sans CJK SC',sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#1b1b1b}table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}th,td{border:1px solid #bbb;"
    "padding:.3rem .5rem;text-align:left;vertical-align:top}th{background:#f1f1f1}img,video{max-width:100%}"
    "code,pre{font-family:ui-monospace,monospace;overflow-wrap:anywhere;white-space:pre-wrap}"
    ".pass{color:#0a6b2d}.warn{color:#8a5a00}.fail{color:#b00020}.unknown{color:#555}"
)
_POLICY: Final = "script-src 'none'; object-src 'none'; form-action 'none'"
_CHECKS: Final = {
    "location": "位置 location",
    "time": "时间 time",
    "reuse": "重复使用 reuse",
    "editing": "编辑 editing",
    "provenance": "来源 provenance",
}
_VERDICTS: Final = {"pass": "通过 pass", "warn": "提醒 warn", "fail": "不符 fail", "unknown": "无法判断 unknown"}
_EXPLANATION: Final = (
    "<p>本文件包由 Siteproof 生成。其中所有内容都来自证据日志，日志只能追加，不能修改。核对方法："
    "<code>siteproof verify 文件包.zip --key 公钥文件</code>，无需联网，也无需服务器。"
    "本页只供阅读，核对结果以该命令为准。</p>"
    "<p>Siteproof made this bundle. All that it says comes from the evidence log, to which is only ever added. "
    "To check it: <code>siteproof verify BUNDLE.zip --key KEYFILE</code>, with no network and no server. "
    "This page is for reading; what counts is what that command says.</p>"
)


def render_page(bundle: Bundle, *, original: str | None) -> bytes:
    """`index.html`.

    Args:
        bundle: what is told.
        original: the original's name in the bundle; None where it was erased.
    """
    medium = describe_medium(bundle.entries)
    title = f"证据包 Evidence bundle {medium.get('media_id', '')}"
    parts = [
        "<!doctype html>",
        '<html lang="zh"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{_text(title)}</h1>",
        _EXPLANATION,
        _render_original(medium, original),
        _render_medium(medium),
        _render_checks(medium),
        _render_detections(medium),
        _render_findings(describe_findings(bundle.entries)["findings"]),
        _render_issues(describe_issues(bundle.entries)["issues"]),
        _render_log(bundle.entries, bundle.checkpoint),
        "</body></html>\n",
    ]
    return "\n".join(part for part in parts if part).encode()


def _render_original(medium: dict[str, Any], original: str | None) -> str:
    if original is None:
        return f"<h2>原件已依法删除 The original was deleted by law</h2><p>{_text(medium.get('basis', ''))}</p>"
    name = escape(original)
    shown = f'<video controls src="{name}"></video>' if original.endswith(".mp4") else f'<img alt="" src="{name}">'
    return f'<p>{shown}<br><a href="{name}">{name}</a></p>'


def _render_medium(medium: dict[str, Any]) -> str:
    position = medium.get("position") or {}
    place = f"{position.get('lon')}, {position.get('lat')} (WGS 84)" if position else "-"
    rows = (
        ("工程 project", medium.get("project_id")),
        ("节点 milestone", medium.get("milestone_id")),
        ("SHA-256", medium.get("sha256")),
        ("格式、大小 format, size [B]", f"{medium.get('format')}, {medium.get('size_bytes')}"),
        ("收到 received", medium.get("received_at")),
        ("拍摄 taken", medium.get("taken_at")),
        ("位置 position (lon, lat)", place),
        ("证据等级 grade", f"{medium.get('grade')} ({', '.join(medium.get('grade_reasons', []))})"),
        ("状态 status", medium.get("status")),
    )
    metadata = medium.get("metadata") or {}
    return (
        "<h2>影像 Photo or clip</h2>"
        + _table((), rows)
        + "<h3>文件自带信息 What the file says of itself</h3>"
        + _table((), sorted(metadata.items()))
    )


def _render_checks(medium: dict[str, Any]) -> str:
    rows = []
    for each in medium.get("checks", []):
        verdict = str(each["verdict"])
        word = f'<span class="{escape(verdict)}">{_text(_VERDICTS.get(verdict, verdict))}</span>'
        told = f"{_text(each['detail'].get('zh'))}<br>{_text(each['detail'].get('en'))}"
        check = _text(_CHECKS.get(str(each["check"]), each["check"]))
        rows.append(f"<tr><td>{check}</td><td>{word}</td><td>{told}<br><code>{_text(each['code'])}</code></td></tr>")
    return "<h2>核验 Checks</h2>" + _raw_table(("核验 check", "结论 verdict", "说明 detail"), rows)


def _render_detections(medium: dict[str, Any]) -> str:
    rows = [
        (each["label"], each["score"], ", ".join(str(side) for side in each["box_xyxy_px"]), each["at_s"])
        for each in medium.get("detections", [])
    ]
    models = ", ".join(f"{name}: {value}" for name, value in (medium.get("model_hashes") or {}).items())
    head = ("类别 label", "得分 score", "框 box x, y, x, y [px]", "时刻 at [s]")
    return f"<h2>检测结果 Detections</h2><p>{_text(medium.get('model'))} <code>{_text(models)}</code></p>" + _table(
        head, rows
    )


def _render_findings(findings: Sequence[dict[str, Any]]) -> str:
    head = ("发现 finding", "级别 severity", "状态 status", "复核 review")
    rows = []
    for each in findings:
        title = each.get("title") or {}
        review = f"{each.get('reviewed_by') or '-'} {each.get('reviewed_at') or ''}: {each.get('review_reason') or ''}"
        told = f"{title.get('zh', '')} {title.get('en', '')} {each.get('code', '')} {each.get('id', '')}"
        rows.append((told, each.get("severity"), each.get("status"), review))
    return "<h2>发现与复核 Findings and decisions</h2>" + _table(head, rows)


def _render_issues(issues: Sequence[dict[str, Any]]) -> str:
    parts = ["<h2>质量问题 Issues</h2>"]
    head = ("流转 step", "时间 at", "办理人 by", "角色 role", "说明 note")
    for issue in issues:
        parts.append(f"<h3>{_text(issue.get('title'))}</h3>")
        steps = [
            (each["event"], each["at"], each.get("by"), each.get("role"), each.get("note")) for each in issue["log"]
        ]
        parts.append(_table(head, steps))
    return "".join(parts) if issues else ""


def _render_log(entries: Sequence[ProvenEntry], checkpoint: str) -> str:
    rows = [(each.index, each.facts["kind"], each.facts["at"], each.facts["subject"]) for each in entries]
    size = read_checkpoint(checkpoint).size
    return (
        "<h2>日志记录 Log entries</h2>"
        + _table(("序号 index", "事件 kind", "时间 at", "对象 subject"), rows)
        + f"<h3>检查点 Checkpoint ({size})</h3><pre>{_text(checkpoint)}</pre>"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    return _raw_table(head, ["<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows])


def _raw_table(head: Sequence[str], rows: Sequence[str]) -> str:
    if not rows:
        return "<p>无 none</p>"
    titles = "<tr>" + "".join(f"<th>{_text(each)}</th>" for each in head) + "</tr>" if head else ""
    return f"<table>{titles}{''.join(rows)}</table>"


def _text(value: object) -> str:
    return escape("-" if value is None else str(value))
