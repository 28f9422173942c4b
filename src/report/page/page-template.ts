/**
 * The layout of the page. Text written with `<%=` is escaped. `<%~` writes markup of this program
 * itself: pictures, the style sheet, and parts that escaped their own text.
 */

export const PAGE_TEMPLATE: string = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title><%= it.page.title %></title>
<style><%~ it.style %></style>
</head>
<body>
<main>
<h1><%= it.page.title %></h1>
<% if (it.page.sections.length > 1) { %>
<nav aria-label="Results"><ul>
<% for (const section of it.page.sections) { %>
<li><a href="#<%= section.id %>"><%= section.heading %></a></li>
<% } %>
</ul></nav>
<% } %>
<% for (const section of it.page.sections) { %><%~ include('@section', section) %><% } %>
</main>
</body>
</html>
`;

export const SECTION_TEMPLATE: string = `
<section id="<%= it.id %>">
<h2><%= it.heading %></h2>
<dl class="asked">
<% for (const [name, value] of it.asked) { %><dt><%= name %></dt><dd><%= value %></dd>
<% } %>
</dl>
<h3>What it says</h3>
<ul class="findings">
<% for (const sentence of it.findings) { %><li><%= sentence %></li>
<% } %>
</ul>
<h3>Pictures</h3>
<% for (const picture of it.pictures) { %>
<figure id="<%= picture.id %>">
<div class="scroll"><%~ picture.svg %></div>
<figcaption>
<details><summary>Numbers: <%= picture.numbers.caption %></summary>
<%~ include('@table', picture.numbers) %>
</details>
</figcaption>
</figure>
<% } %>
<h3>Tables</h3>
<% for (const table of it.tables) { %><%~ include('@table', table) %><% } %>
<% if (it.examples.length > 0) { %>
<h3>Questions on which strategies part</h3>
<p>Written by: small model, <span class="large">large model</span>,
<span class="prompt-lookup">copied from the prompt</span>. Point at a token for its score.
Of each strategy the point nearest to 80 % of the gap is shown: an illustration, chosen after looking.</p>
<div class="examples">
<% for (const example of it.examples) { %><%~ include('@example', example) %><% } %>
</div>
<% } %>
</section>
`;

export const TABLE_TEMPLATE: string = `
<div class="scroll"><table>
<caption><%= it.caption %></caption>
<thead><tr><% it.columns.forEach((column, place) => { %>
<th scope="col"<%~ place < it.textColumnCount ? '' : ' class="number"' %>><%= column %></th><% }) %>
</tr></thead>
<tbody>
<% for (const row of it.rows) { %><tr><% row.forEach((cell, place) => { %>
<% if (place === 0) { %><th scope="row"><%= cell %></th><% } else { %>
<td<%~ place < it.textColumnCount ? '' : ' class="number"' %>><%= cell %></td><% } %><% }) %></tr>
<% } %>
</tbody>
</table></div>
`;

/** Tokens contain their own spaces: no text may come between two of them. */
export const EXAMPLE_TEMPLATE: string = `
<details>
<summary><strong><%= it.name %></strong>: <%= it.summary %></summary>
<div class="body">
<p class="text" dir="auto"><%= it.question %></p>
<p class="note">right answer: <%= it.answer %></p>
<div class="answers">
<% for (const answer of it.answers) { %>
<article class="answer">
<h4><%= answer.name %>
<% if (answer.isRight) { %><span class="right">✓ right</span><% } %>
<% if (!answer.isRight) { %><span class="wrong">✗ wrong</span><% } %></h4>
<div class="text" dir="auto"><% for (const token of answer.tokens) { -%>
<span class="<%= token.origin %>" title="<%= token.title %>"><%= token.text %></span><%- } %></div>
<p class="note">answer read: <%= answer.extracted %>; <%= answer.shares %></p>
</article>
<% } %>
</div>
</div>
</details>
`;
