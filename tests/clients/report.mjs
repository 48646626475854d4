// Opens the report in Chromium: report.mjs RUN_FOLDER PICTURES_FOLDER. CLIENTS_NODE has node_modules with playwright-core and axe-core.
import { createRequire } from "node:module";
import { readFileSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [run, pictures] = process.argv.slice(2);
const require = createRequire(join(resolve(process.env.CLIENTS_NODE), "resolve.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const address = pathToFileURL(resolve(run, "report.html")).href;
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const faults = [];
const fault = (text) => { faults.push(text); console.log(`fault: ${text}`); };

async function opened(browser, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) fault(`console: ${message.text()}`); });
  page.on("pageerror", (error) => fault(`script: ${error.message}`));
  page.on("request", (request) => {
    if (request.url() !== address && !request.url().startsWith("data:")) fault(`request: ${request.url()}`);
  });
  await page.goto(address);
  return page;
}

async function accessible(browser, colorScheme, width) {
  const page = await opened(browser, { colorScheme, viewport: { width, height: 900 } });
  await page.evaluate(axe);
  const { violations } = await page.evaluate((tags) => axe.run(document, { runOnly: tags, resultTypes: ["violations"] }), tags);
  for (const rule of violations) {
    const nodes = rule.nodes.slice(0, 3).map((node) => `${node.target.join(" ")}: ${node.any[0]?.message ?? rule.help}`);
    fault(`axe, ${colorScheme}, ${width} px: ${rule.id} (${rule.nodes.length}): ${nodes.join("; ")}`);
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > width) fault(`${width} px: the page is ${wide} px wide`);
  await page.context().close();
}

async function withoutScripts(browser) {
  const page = await opened(browser, { javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
  for (const what of ["article.card", "table", "svg[role=img]"]) {
    const all = await page.locator(what).all();
    if (!all.length) fault(`without scripts: no ${what}`);
    for (const one of all) if (!(await one.isVisible())) fault(`without scripts: a hidden ${what}`);
    console.log(`without scripts: ${all.length} ${what}`);
  }
  await page.context().close();
}

// In pieces: a picture of the whole page would be higher than Chromium draws.
async function pictured(browser, width, colorScheme) {
  const page = await opened(browser, { colorScheme, viewport: { width, height: 2000 } });
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  for (let top = 0, piece = 1; top < height; top += 2000, piece += 1) {
    const clip = { x: 0, y: top, width, height: Math.min(2000, height - top) };
    const path = join(pictures, `${width}-${colorScheme}-${String(piece).padStart(2, "0")}.png`);
    await page.screenshot({ path, clip, fullPage: true });
  }
  await page.context().close();
}

async function printed(browser) {
  const page = await opened(browser, {});
  await page.pdf({ path: join(pictures, "report.pdf"), preferCSSPageSize: true, printBackground: false });
  await page.context().close();
}

mkdirSync(pictures, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });
try {
  for (const scheme of ["light", "dark"]) for (const width of [390, 1280]) await accessible(browser, scheme, width);
  await withoutScripts(browser);
  for (const [width, scheme] of [[390, "light"], [1280, "light"], [1280, "dark"]]) await pictured(browser, width, scheme);
  await printed(browser);
} finally {
  await browser.close();
}
process.exit(faults.length ? 1 : 0);
