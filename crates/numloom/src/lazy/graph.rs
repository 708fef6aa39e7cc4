//! The graph of lazy values as a drawing: [`Graph`].
//!
//! What goes in: values. What comes out: nodes and edges, and from them DOT or SVG. The layout is the simplest that is clear: a node stands one layer below the lowest of
//! its operands, and where they stand on average.

use std::collections::HashMap;
use std::fmt::Write;

use crate::lazy::Lazy;
use crate::lazy::compute::Computation;
use crate::lazy::node::Op;
use crate::lazy::stages::postorder;

/// Sizes of the drawing, in its own units.
const CHAR: usize = 7;
const HEIGHT: usize = 38;
const GAP: usize = 18;
const LAYER: usize = 74;
/// Longer labels are cut.
const MAX_LABEL: usize = 40;

/// What leads to lazy values: operands before what is made of them.
///
/// ```
/// use numloom::Lazy;
///
/// let x = Lazy::from_array(vec![1.0, 2.0]);
/// let graph = (&x - x.mean()).graph();
/// let labels: Vec<&str> = graph.nodes.iter().map(|node| node.label.as_str()).collect();
/// assert_eq!(labels, ["array", "mean(x)", "x - y"]);
/// assert_eq!(graph.nodes[2].operands, [0, 1]);
/// assert_eq!(graph.nodes[2].detail, "f64, shape (2,)");
/// assert!(graph.dot().starts_with("digraph"));
/// assert!(graph.svg().starts_with("<svg"));
/// ```
#[derive(Clone, Debug)]
pub struct Graph {
    /// The nodes; the values themselves are those that nothing is made of, or were asked for.
    pub nodes: Vec<GraphNode>,
}

/// One node of a [`Graph`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GraphNode {
    /// What it is: an operation on `x`, `y`, …, its operands in order; the name of a file or column.
    pub label: String,
    /// Dtype and shape, or what is wrong.
    pub detail: String,
    /// What it is made of: places in [`Graph::nodes`].
    pub operands: Vec<usize>,
    /// Whether it is an array, a file or a column.
    pub is_source: bool,
}

impl Lazy {
    /// What leads to it, to be drawn.
    #[must_use]
    pub fn graph(&self) -> Graph {
        Graph::of(std::slice::from_ref(self))
    }
}

impl Computation<'_> {
    /// What leads to these values, to be drawn.
    #[must_use]
    pub fn graph(&self) -> Graph {
        Graph::of(&self.values)
    }
}

impl Graph {
    fn of(values: &[Lazy]) -> Graph {
        let order = postorder(values, |node| node.op().operands());
        let mut places: HashMap<*const (), usize> = HashMap::new();
        let mut nodes = Vec::with_capacity(order.len());
        for node in order {
            places.insert(node.key(), nodes.len());
            let operands = node.op().operands().iter();
            let (label, is_source) = label(node);
            nodes.push(GraphNode {
                label: cut(label),
                detail: match &node.0.found {
                    Ok(found) => found.to_string(),
                    Err(error) => cut(format!("{error:#}")),
                },
                operands: operands.map(|operand| places[&operand.key()]).collect(),
                is_source,
            });
        }
        Graph { nodes }
    }

    /// In the language of Graphviz.
    #[must_use]
    pub fn dot(&self) -> String {
        let mut dot =
            "digraph lazy {\n  node [shape=box, style=rounded, fontname=\"monospace\"];\n"
                .to_owned();
        for (i, node) in self.nodes.iter().enumerate() {
            let shape = if node.is_source { ", shape=folder" } else { "" };
            let (label, detail) = (quoted(&node.label), quoted(&node.detail));
            let _ = writeln!(dot, "  n{i} [label=\"{label}\\n{detail}\"{shape}];");
            for operand in &node.operands {
                let _ = writeln!(dot, "  n{operand} -> n{i};");
            }
        }
        dot + "}\n"
    }

    /// As a picture.
    #[must_use]
    pub fn svg(&self) -> String {
        let boxes = self.layout();
        let right = boxes.iter().map(|b| b.x + b.width).max().unwrap_or(0) + GAP;
        let bottom = boxes.iter().map(|b| b.y + HEIGHT).max().unwrap_or(0) + GAP;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{right}\" height=\"{bottom}\" viewBox=\"0 0 {right} {bottom}\" \
             font-family=\"monospace\" font-size=\"12\">\n"
        );
        for (node, to) in self.nodes.iter().zip(&boxes) {
            for &operand in &node.operands {
                let from = &boxes[operand];
                let _ = writeln!(
                    svg,
                    "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"#888\"/>",
                    from.centre(),
                    from.y + HEIGHT,
                    to.centre(),
                    to.y
                );
            }
        }
        for (node, b) in self.nodes.iter().zip(&boxes) {
            let fill = if node.is_source { "#e8f0fe" } else { "#fff" };
            let (x, y, width, centre) = (b.x, b.y, b.width, b.centre());
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\" rx=\"6\" fill=\"{fill}\" stroke=\"#444\"/>\n\
                 <text x=\"{centre}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n\
                 <text x=\"{centre}\" y=\"{}\" text-anchor=\"middle\" fill=\"#666\" font-size=\"10\">{}</text>",
                y + 16,
                escaped(&node.label),
                y + 30,
                escaped(&node.detail)
            );
        }
        svg + "</svg>\n"
    }

    fn layout(&self) -> Vec<Box> {
        let mut layers: Vec<usize> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let above = node.operands.iter().map(|&operand| layers[operand] + 1);
            layers.push(above.max().unwrap_or(0));
        }
        let mut boxes: Vec<Box> = Vec::with_capacity(self.nodes.len());
        boxes.resize_with(self.nodes.len(), Box::default);
        let last = layers.iter().max().map_or(0, |last| last + 1);
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); last];
        for (i, &layer) in layers.iter().enumerate() {
            rows[layer].push(i);
        }
        for (layer, row) in rows.iter_mut().enumerate() {
            let wanted = |i: usize| {
                let operands = &self.nodes[i].operands;
                let sum: usize = operands
                    .iter()
                    .map(|&operand| boxes[operand].centre())
                    .sum();
                sum / operands.len().max(1)
            };
            let centres: HashMap<usize, usize> = row.iter().map(|&i| (i, wanted(i))).collect();
            row.sort_by_key(|i| centres[i]);
            let mut left = GAP;
            for &i in &*row {
                let node = &self.nodes[i];
                let chars = node.label.chars().count().max(node.detail.chars().count());
                let width = chars * CHAR + 2 * CHAR;
                let x = left.max(centres[&i].saturating_sub(width / 2));
                boxes[i] = Box {
                    x,
                    y: GAP + layer * LAYER,
                    width,
                };
                left = x + width + GAP;
            }
        }
        boxes
    }
}

/// Where a node is drawn.
#[derive(Default)]
struct Box {
    x: usize,
    y: usize,
    width: usize,
}

impl Box {
    fn centre(&self) -> usize {
        self.x + self.width / 2
    }
}

/// What a node says of itself, and whether it is a source.
fn label(node: &Lazy) -> (String, bool) {
    match node.op() {
        Op::Source(source) => match source.map() {
            Some(map) => {
                let name = map.path().file_name().unwrap_or_default();
                (name.to_string_lossy().into_owned(), true)
            }
            None => ("array".into(), true),
        },
        Op::Column(table, column) => (table.columns()[*column].name.clone(), true),
        Op::Subscript(_, items) => {
            let kinds: Vec<_> = items.iter().map(|item| item.kind).collect();
            (super::slice::text(&kinds), false)
        }
        Op::Held(_) => ("held".into(), false),
        Op::Apply(template, _) => (template.to_string(), false),
        Op::Failed => ("error".into(), false),
    }
}

fn cut(mut text: String) -> String {
    if text.chars().count() > MAX_LABEL {
        text = text.chars().take(MAX_LABEL - 1).collect();
        text.push('…');
    }
    text
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}
