//! `tp report` and `tp explain --html`, by the pages that they write.

mod browser;
mod run;

use std::fs;
use std::path::Path;

use crate::support::{fixture, printed, refused, tp};
use run::{CHARTS, Run, all, images, parsed, step, text};

#[test]
fn a_page_shows_the_run_and_its_plan() {
    let run = Run::whole();
    let page = run.page();
    let page = parsed(&page);
    let headings: Vec<String> = all(&page, "h2").into_iter().map(text).collect();
    assert_eq!(headings, ["Summary", "Over steps", "Plan", "Job"]);
    let headings: Vec<String> = all(&page, "h3").into_iter().map(text).collect();
    assert_eq!(headings[..5], CHARTS);
    let images = images(&page);
    assert_eq!(
        images[0],
        "Loss over steps; training from 4.523 to 5, 4.523 at step 3"
    );
    let whole = text(page.root_element());
    for part in [
        "3, from 1 to 3",
        "4.523 at step 3",
        "1024, 256 on each rank (medians)",
        "LlamaForCausalLM under plan LLAMA, tensor and sequence parallel over 2 ranks",
        "batch 4, sequence 64, f32",
        "training on 2 data-parallel ranks: ZeRO stage 1, recompute full, accumulation 1, global batch 8",
        "model.layers.*.mlp.{gate,up}_proj ×2",
        "num_key_value_heads, 4: 2 each",
        "# Two by two",
    ] {
        assert!(whole.contains(part), "{part}: {whole}");
    }
}

#[test]
fn a_picture_says_what_each_rank_holds() {
    let run = Run::whole();
    let page = run.page();
    let page = parsed(&page);
    let rows = all(&page, "tr").into_iter();
    let mut rows =
        rows.filter(|row| text(*row).contains("self_attn.q_proj") && !text(*row).contains("all_"));
    let row = rows.next().expect("a row of the queries");
    let held = row
        .descendants()
        .filter(|node| node.attribute("class") == Some("held"));
    let held: Vec<_> = held
        .map(|bar| (bar.attribute("x"), bar.attribute("width")))
        .collect();
    assert_eq!(
        held,
        [
            (Some("0.00"), Some("32.00")),
            (Some("32.00"), Some("32.00"))
        ]
    );
    let row = text(row);
    assert!(
        row.starts_with("model.layers.*.self_attn.q_proj ×2Colwise"),
        "{row}"
    );
    assert!(row.ends_with("64 × 648.0 KiB8.0 KiB"), "{row}");
    let whole = images(&page)
        .into_iter()
        .filter(|label| label == "rank 1, whole: 256 B");
    assert_eq!(whole.count(), 3);
}

#[test]
fn a_page_needs_no_other_file() {
    let page = Run::whole().page();
    let page = parsed(&page);
    for node in page.descendants() {
        for attribute in node.attributes() {
            let name = attribute.name();
            assert!(
                !matches!(name, "href" | "src" | "srcset" | "data"),
                "{name}"
            );
            assert!(!name.starts_with("on"), "{name}");
        }
        assert!(!matches!(
            node.tag_name().name(),
            "script" | "link" | "iframe"
        ));
    }
    let style = text(all(&page, "style")[0]);
    assert!(!style.contains("url(") && !style.contains("@import"));
}

#[test]
fn what_is_missing_is_said_and_the_rest_is_shown() {
    let run = Run::with_log(&step(1));
    let said = |part: &str| {
        let page = run.page();
        let text = text(parsed(&page).root_element());
        assert!(text.contains(part), "{part}: {text}");
    };
    said("Not shown: there is no `job.toml`");
    said("The folder has no job.toml");
    run.write("job.toml", "tp = [");
    said("`job.toml` is not understood");
    run.write("job.toml", "tp = 2\nzero = 2");
    said("no checkpoint has a `config.json` yet");
    run.save("step-1");
    run.write("latest", "step-1\n");
    said("`zero` of `job.toml` is `2`: give one of 0, 1, 3");
    run.write("job.toml", "tp = 5000");
    said("`tp` of `job.toml` is 5000: give a whole number from 1 to 4096");
    run.write("job.toml", "dp = 3");
    said("Not shown: ");
    run.write("job.toml", "plan = \"mine\"");
    said("no plan \"mine\"");
    run.write("job.toml", "tp = 2");
    said("under plan LLAMA");
    run.write("log.jsonl", "");
    said("No step is logged yet.");

    let folder = run.path().join("step-1");
    let folder = folder.to_str().expect("a plain name");
    let message = refused(tp(&["report", folder]), 1);
    assert!(
        message.contains("log.jsonl`, which `tp train` writes"),
        "{message}"
    );
    let message = refused(tp(&["report", "no/such/run"]), 1);
    assert!(
        message.contains("`no/such/run` is no folder of a run"),
        "{message}"
    );
}

#[test]
fn without_a_config_in_the_checkpoint_the_one_that_the_job_started_from_is_read() {
    let run = Run::with_log(&step(1));
    let model = fixture("llama_gqa");
    let job = format!("model = {model:?}\ntp = 2\n");
    run.write("job.toml", &job);
    let page = run.page();
    let whole = text(parsed(&page).root_element());
    assert!(whole.contains("under plan LLAMA") && whole.contains("A training step"));
    run.write("job.toml", &format!("{job}lora-rank = 4\n"));
    let page = run.page();
    let whole = text(parsed(&page).root_element());
    assert!(whole.contains("under plan LLAMA") && !whole.contains("A training step"));
    assert!(whole.contains("what its adapter holds and sends is not counted"));
}

#[test]
fn odd_numbers_are_drawn_as_far_as_they_can_be() {
    let one = Run::with_log(&step(1)).page();
    assert!(
        images(&parsed(&one))[0].contains("4.523")
            || images(&parsed(&one))[0].contains("5 at step 1")
    );

    let odd = "{\"step\":1,\"loss\":null,\"gradient_norm\":1e308}\n{\"step\":2,\"loss\":3,\"gradient_norm\":-1e308}\n\
               {\"step\":3,\"validation_loss\":2.5,\"perplexity\":null}\n{\"step\":18446744073709551615,\"loss\":0}\n";
    let page = Run::with_log(odd).page();
    let page = parsed(&page);
    assert!(images(&page)[0].contains("training from 0 to 3"));
    let whole = text(page.root_element());
    assert!(whole.contains("1 of 4 values are not finite"), "{whole}");
    assert!(whole.contains("The log has no numbers of it."), "{whole}");
    for path in all(&page, "path") {
        let path = path.attribute("d").expect("a path");
        assert!(!path.contains("NaN") && !path.contains("inf"), "{path}");
    }
}

#[test]
fn long_logs_are_thinned() {
    let mut lines: Vec<String> = (1..=20_000).map(step).collect();
    lines[12_344] = step(12_345).replace("\"gradient_norm\":1.5", "\"gradient_norm\":77.25");
    let page = Run::with_log(&lines.concat()).page();
    assert!(page.len() < 200_000, "{}", page.len());
    let document = parsed(&page);
    let highest = all(&document, "path").into_iter().any(|path| {
        let points = path.attribute("d").expect("a path").split(['M', 'L']);
        points
            .filter_map(|point| point.split_once(','))
            .any(|(_, y)| y.parse().is_ok_and(|y: f64| y < 20.0))
    });
    assert!(highest && images(&document)[1].contains("from 1.5 to 77.25"));
}

#[test]
fn hostile_words_stay_words() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let run = parent.path().join("<img src=x onerror='alert(1)'>&");
    fs::create_dir(&run).expect("a folder");
    fs::write(run.join("log.jsonl"), step(1)).expect("a log");
    let job = "plan = \"</pre><script>alert(2)</script>\"\n# \u{1}\u{0}\n";
    fs::write(run.join("job.toml"), job).expect("a job");
    let file = parent.path().join("page.html");
    let arguments =
        [run.as_path(), Path::new("--output"), &file].map(|part| part.to_str().expect("UTF-8"));
    printed(tp(&["report", arguments[0], arguments[1], arguments[2]]));
    let page = fs::read_to_string(file).expect("a page");
    let page = parsed(&page);
    assert!(all(&page, "script").is_empty() && all(&page, "img").is_empty());
    assert_eq!(
        text(all(&page, "h1")[0]),
        "Run <img src=x onerror='alert(1)'>&"
    );
    assert!(text(all(&page, "pre")[0]).contains("</pre><script>alert(2)</script>"));
}

#[test]
fn a_plan_alone_has_a_page() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("plan.html");
    let file = file.to_str().expect("a plain name");
    let model = fixture("llama_gqa");
    let model = model.to_str().expect("fixtures have plain names");
    let said = printed(tp(&["explain", model, "--tp", "8", "--html", file]));
    assert_eq!(said, format!("wrote {file}\n"));
    let page = fs::read_to_string(file).expect("a page");
    let page = parsed(&page);
    assert_eq!(
        text(all(&page, "h1")[0]),
        "LlamaForCausalLM under plan LLAMA"
    );
    assert_eq!(
        all(&page, "thead")[0]
            .descendants()
            .filter(|node| node.has_tag_name("th"))
            .count(),
        12
    );

    let message = refused(
        tp(&[
            "explain",
            model,
            "--tp=2",
            "--dtype=f32",
            "--html=/no/such/folder/x.html",
        ]),
        1,
    );
    assert!(
        message.contains("cannot write `/no/such/folder/x.html`"),
        "{message}"
    );
}
