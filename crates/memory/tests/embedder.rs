//! The built-in embedding model, where its files are installed.

use std::{io::Write as _, path::PathBuf};

use backstay_memory::{Embedder, Embedding, weights};

/// The folder with the model's files; without them there is nothing to test.
fn models() -> Option<PathBuf> {
    let folder = std::env::var_os("BACKSTAY_TEST_MODELS").map(PathBuf::from);
    let installed = folder.filter(|folder| weights::is_installed(folder));
    if installed.is_none() {
        let note = "SKIPPED: BACKSTAY_TEST_MODELS names no folder with the embedding model \
                    ('make models' installs it)";
        // Not `println!`: the test runner would keep it to itself.
        let _unwritten = writeln!(std::io::stderr(), "{note}");
    }
    installed
}

fn cosine(left: &Embedding, right: &Embedding) -> f32 {
    left.vector.iter().zip(&right.vector).map(|(left, right)| left * right).sum()
}

#[test]
fn sentences_that_mean_the_same_are_closer_than_others() {
    let Some(folder) = models() else { return };
    let embedder = Embedder::load(&folder).unwrap();
    let vectors = embedder
        .embed(&[
            "How old is the cat?",
            "What is the age of the kitten?",
            "The rent is due on Monday.",
        ])
        .unwrap();
    assert!(cosine(&vectors[0], &vectors[1]) > 0.6);
    assert!(cosine(&vectors[0], &vectors[2]) < 0.2);
    assert_eq!(embedder.identity().revision, "8199be6f699a395f.2");
}

#[test]
fn a_vector_does_not_depend_on_what_it_was_embedded_beside() {
    let Some(folder) = models() else { return };
    let embedder = Embedder::load(&folder).unwrap();
    let long = "A sentence that goes on for a while about trains and stations. ".repeat(100);
    let texts = ["short", long.as_str(), "", "\u{0}\u{7}", "🙂"];
    let together = embedder.embed(&texts).unwrap();
    for (text, vector) in texts.iter().zip(&together) {
        let alone = embedder.embed(&[text]).unwrap();
        assert!(cosine(&alone[0], vector) > 0.999, "{text:?}");
        assert!((cosine(vector, vector) - 1.0).abs() < 1e-4);
    }
    assert!(embedder.embed(&[]).unwrap().is_empty());
}

#[test]
fn a_folder_without_the_model_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = Embedder::load(folder.path()).err().map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("backstay models pull")));
}

#[test]
fn an_open_model_reads_its_weights_at_the_first_text_and_only_those_it_was_opened_with() {
    let Some(folder) = models() else { return };
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(&folder).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    let weights = copy.path().join("model.onnx");
    let embedder = Embedder::open(copy.path()).unwrap();
    assert_eq!(embedder.identity(), Embedder::load(&folder).unwrap().identity());

    let good = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, b"other weights").unwrap();
    let error = embedder.embed(&["a text"]).unwrap_err();
    assert!(error.to_string().contains("replaced"), "{error}");

    std::fs::write(&weights, good).unwrap();
    embedder.embed(&["a text"]).unwrap();
    std::fs::remove_file(&weights).unwrap();
    embedder.embed(&["the weights are read once"]).unwrap();
}
