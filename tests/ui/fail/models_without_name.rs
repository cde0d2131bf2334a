use sequor::prelude::*;

models!(User, Post);

fn main() {}
