//! What the demo shows.

use serde_json::json;

use super::{
    ask::{Answer, Asked},
    findings::Findings,
    live::Told,
    stage::Stage,
};
use crate::{
    output::{Output, print_text},
    terminal::one_line,
};

/// Recalled lines shown per question; the rest are counted.
const LINES_SHOWN: usize = 3;
const WIDTH: usize = 96;

pub(crate) fn opening(stage: &Stage, output: Output) {
    let second = if stage.is_simulated() {
        format!(
            "{} (simulated: it speaks Anthropic's real wire format and quotes its prompt; set a \
             provider's key to use a real model)",
            stage.models[1]
        )
    } else {
        stage.models[1].clone()
    };
    output.note(&format!(
        "Backstay on {}, data in {}\nmodels: {} (built in: looks up, generates nothing) and {second}\n",
        stage.url(),
        stage.data.display(),
        stage.models[0],
    ));
}

pub(crate) fn question(asked: &Asked, output: Output) {
    output.show(asked, question_text);
}

fn question_text(asked: &Asked) -> String {
    let mut lines = vec![format!("\nQ  {}", asked.question)];
    if asked.recalled.is_empty() {
        lines.push("   nothing relevant is remembered".to_owned());
    }
    for line in asked.recalled.iter().take(LINES_SHOWN) {
        let said: String = line.said_at.chars().take(10).collect();
        lines.push(format!(
            "   recalled {said} [{}] {}: {}",
            line.session,
            line.author,
            one_line(&line.text, WIDTH)
        ));
        lines.push(format!("            {:.2}  {}", line.score, one_line(&line.why, WIDTH)));
    }
    let rest = asked.recalled.len().saturating_sub(LINES_SHOWN);
    if rest > 0 {
        lines.push(format!("            and {rest} more"));
    }
    lines.extend(asked.answers.iter().map(answer));
    lines.push(match asked.right {
        Some(true) => "   \u{2713} the right memories".to_owned(),
        Some(false) if asked.missing.is_empty() => {
            "   \u{2717} nothing should have been recalled".to_owned()
        }
        Some(false) => format!("   \u{2717} not recalled: {}", asked.missing.join(", ")),
        None => "   (nobody says which memories are right here)".to_owned(),
    });
    lines.join("\n")
}

fn answer(answer: &Answer) -> String {
    let cost = answer.cost.as_ref().map_or("cost unknown".to_owned(), |cost| format!("${cost}"));
    format!(
        "   {} ({} + {} tokens, {cost}, {:.0} ms)\n      {}",
        answer.model,
        answer.prompt_tokens,
        answer.completion_tokens,
        answer.latency_ms,
        one_line(&answer.text, WIDTH * 2)
    )
}

pub(crate) fn live(told: &Told, output: Output) {
    output.show(told, |told| {
        let mark = if told.known { "\u{2713} known" } else { "\u{2717} not known" };
        format!(
            "\nLive: told to {}: \u{201C}{}\u{201D}\n      asked of {}, on a new thread: {}\n{}\n   {mark}",
            told.told_to,
            told.statement,
            told.asked.model,
            told.question,
            answer(&told.asked)
        )
    });
}

pub(crate) fn closing(run: &Findings, stage: &Stage, output: Output) {
    let summary = json!({"url": stage.url(), "right": run.right, "wrong": run.wrong,
        "unjudged": run.unjudged, "passed": run.all_right()});
    output.show(&summary, |_| {
        let judged = run.right + run.wrong;
        let unjudged = match run.unjudged {
            0 => String::new(),
            count => format!(", {count} without a right answer to compare with"),
        };
        format!(
            "\nThe right memories were recalled for {} of {judged} questions{unjudged}.",
            run.right
        )
    });
}

pub(crate) fn go_on(stage: &Stage) {
    let (url, key, model) = (stage.url(), &stage.key, &stage.models[1]);
    print_text(&format!(
        r#"
The server goes on running. Its address: {url}   its key: {key}

curl {url}/v1/chat/completions -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \
  -d '{{"model": "builtin/recall", "messages": [{{"role": "user", "content": "Where does my sister live?"}}],
       "backstay": {{"assistant": "demo helper", "user": "you"}}}}'

# Python: pip install openai
from openai import OpenAI
client = OpenAI(base_url="{url}/v1", api_key="{key}")
print(client.chat.completions.create(model="{model}",
    messages=[{{"role": "user", "content": "Where does my sister live?"}}],
    extra_body={{"backstay": {{"assistant": "demo helper", "user": "you"}}}}).choices[0].message.content)

// JavaScript: npm install openai
import OpenAI from "openai";
const client = new OpenAI({{ baseURL: "{url}/v1", apiKey: "{key}" }});
const reply = await client.chat.completions.create({{ model: "{model}",
  messages: [{{ role: "user", content: "Where does my sister live?" }}],
  backstay: {{ assistant: "demo helper", user: "you" }} }});
console.log(reply.choices[0].message.content);

Ctrl-C ends it.
"#
    ));
}
