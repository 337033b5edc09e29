//! Runs a workflow for a while in the Rust runtime, once for each line read: file, store, concurrency and seconds,
//! separated by tabs; the store is always "memory". Answers with the number of instances that ended and the seconds.

use std::io::{stdin, BufRead};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use swf_runtime::WorkflowRunner;
use tokio::task::JoinSet;

#[tokio::main]
async fn main() {
    for line in stdin().lock().lines() {
        let line = line.expect("a line of text");
        let words: Vec<&str> = line.split('\t').collect();
        let text = std::fs::read_to_string(words[0]).expect("the workflow's file");
        let workflow = serde_yaml::from_str(&text).expect("a workflow in YAML");
        let runner = WorkflowRunner::new(workflow).expect("a workflow that can run");
        let concurrency = words[2].parse().expect("a number of instances");
        let seconds = words[3].parse().expect("a number of seconds");
        let (ended, took) = run(Arc::new(runner), concurrency, seconds).await;
        println!("{ended}\t{took}");
    }
}

async fn run(runner: Arc<WorkflowRunner>, concurrency: usize, seconds: f64) -> (u64, f64) {
    let began = Instant::now();
    let deadline = began + Duration::from_secs_f64(seconds);
    let mut clients = JoinSet::new();
    for _ in 0..concurrency {
        let runner = runner.clone();
        clients.spawn(async move {
            let mut ended = 0;
            while Instant::now() < deadline {
                runner.run(json!({"n": 0})).await.expect("a workflow that completes");
                ended += 1;
            }
            ended
        });
    }
    let ended = clients.join_all().await.into_iter().sum();
    (ended, began.elapsed().as_secs_f64())
}
