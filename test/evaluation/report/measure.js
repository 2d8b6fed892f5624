// SPDX-License-Identifier: Apache-2.0
// Says what a page of this width shows: its pictures, what is cut, and what is hard to read.
(width_px) => {
  const named = (element) =>
    `<${element.localName}> ${element.id || element.alt || element.textContent.trim().slice(0, 40)}`;

  const pixels = (image) => {
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, canvas.width, canvas.height).data;
  };

  // A spoilt PNG is decoded, without an error, as far as it goes: the rest is transparent.
  const picture = (image) => {
    const { width, height } = image.getBoundingClientRect();
    const rgba = image.naturalWidth ? pixels(image) : new Uint8ClampedArray(4);
    return {
      alt: image.alt,
      whole: rgba.at(-1) > 0,
      size_px: [image.naturalWidth, image.naturalHeight],
      stated_px: ["width", "height"].map((side) => Number(image.getAttribute(side))),
      shown_px: [width, height],
      colours: new Set(new Uint32Array(rgba.buffer)).size,
    };
  };

  // What stands in a box that scrolls is reached; the box must be on the screen.
  const box = (element) => {
    for (let around = element; around; around = around.parentElement) {
      if (["auto", "scroll"].includes(getComputedStyle(around).overflowX)) return around;
    }
    return element;
  };

  const cut = (element) => {
    const { left, right } = box(element).getBoundingClientRect();
    return left < -0.5 || right > width_px + 0.5;
  };

  // Computed colours are rgb(r, g, b) or rgba(r, g, b, a).
  const parts = (colour) => {
    if (!colour.startsWith("rgb")) throw new Error(`cannot read the colour ${colour}`);
    return colour.match(/[\d.]+/g).map(Number);
  };

  // https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
  const luminance = (colour) => {
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [red, green, blue] = parts(colour).map((c) => linear(c / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };

  const ground = (element) => {
    for (let behind = element; behind; behind = behind.parentElement) {
      const colour = getComputedStyle(behind).backgroundColor;
      if ((parts(colour)[3] ?? 1) === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };

  const contrast = (element) => {
    const both = [getComputedStyle(element).color, ground(element)].map(luminance);
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  };

  const faint = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const ratio = contrast(element);
    if (texts.currentNode.data.trim() && element.checkVisibility() && ratio < 4.5) {
      faint.push(`${named(element)}, ${ratio.toFixed(2)} to 1`);
    }
  }

  return {
    page_width_px: document.documentElement.scrollWidth,
    pictures: [...document.images].map(picture),
    too_wide: [...document.querySelectorAll("figure, table, img, pre")].filter(cut).map(named),
    faint,
  };
}
