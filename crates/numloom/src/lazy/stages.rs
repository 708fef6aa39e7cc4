//! What is computed when: stages, for values that others need whole, and in each a part for each world.
//!
//! What goes in: the values that were asked for. What comes out: programs to be, in order. Most graphs have one stage of one part.

use std::collections::{HashMap, HashSet};

use crate::error::Error;
use crate::lazy::Lazy;
use crate::lazy::node::{Op, World};

/// What one program computes.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) stage: usize,
    pub(super) world: World,
    pub(super) outputs: Vec<Output>,
}

/// One output of a part.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) value: Lazy,
    /// Which of the values that were asked for it is; none if it is held for a later stage.
    pub(super) root: Option<usize>,
}

/// All nodes that lead to these, operands first, each once; `operands` says which are below one.
pub(super) fn postorder<'g>(
    roots: impl IntoIterator<Item = &'g Lazy>,
    operands: impl Fn(&'g Lazy) -> &'g [Lazy],
) -> Vec<&'g Lazy> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut stack: Vec<(&Lazy, bool)> = roots.into_iter().map(|root| (root, false)).collect();
    stack.reverse();
    while let Some((node, is_left)) = stack.pop() {
        if is_left {
            found.push(node);
        } else if seen.insert(node.key()) {
            stack.push((node, true));
            let below = operands(node).iter().rev();
            stack.extend(below.map(|operand| (operand, false)));
        }
    }
    found
}

/// The parts, in order.
pub(super) fn parts(roots: &[Lazy]) -> Result<Vec<Part>, Error> {
    let nodes = postorder(roots, |node| node.op().operands());
    let mut depths: HashMap<*const (), usize> = HashMap::new();
    let mut held: Vec<(usize, &Lazy)> = Vec::new();
    let mut seen = HashSet::new();
    for node in nodes {
        node.check()?;
        let below = node.op().operands().iter();
        let below = below.map(|operand| depths[&operand.key()]).max();
        let depth = match node.op() {
            Op::Held(of) => {
                let depth = depths[&of.key()];
                if seen.insert(of.key()) {
                    held.push((depth, of));
                }
                depth + 1
            }
            _ => below.unwrap_or(0),
        };
        depths.insert(node.key(), depth);
    }
    let last = roots.iter().map(|root| depths[&root.key()]).max();
    let last = last.unwrap_or(0);
    let mut parts: Vec<Part> = Vec::new();
    for stage in 0..=last {
        let now = held.iter().filter(|(depth, _)| *depth == stage);
        let mut outputs: Vec<(&Lazy, Option<usize>)> = now.map(|(_, of)| (*of, None)).collect();
        if stage == last {
            let asked = roots.iter().enumerate();
            outputs.extend(asked.map(|(i, root)| (root, Some(i))));
        }
        for (value, root) in outputs {
            let world = match &value.found()?.world {
                // Values alone are computed as arrays are.
                World::Anywhere => World::Arrays,
                world => world.clone(),
            };
            let value = value.clone();
            let output = Output { value, root };
            let mut same = parts.iter_mut();
            match same.find(|part| part.stage == stage && part.world.is(&world)) {
                Some(part) => part.outputs.push(output),
                None => parts.push(Part {
                    stage,
                    world,
                    outputs: vec![output],
                }),
            }
        }
    }
    Ok(parts)
}
