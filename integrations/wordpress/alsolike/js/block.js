/* The block "Related articles", rendered by the server in the editor too. */
( ( { blocks, element, blockEditor, components, serverSideRender }, texts ) => {
	const el = element.createElement;
	blocks.registerBlockType( 'alsolike/related', {
		apiVersion: 2,
		title: texts.title,
		icon: 'list-view',
		category: 'widgets',
		attributes: { limit: { type: 'number' }, heading: { type: 'string' } },
		edit: ( { attributes, setAttributes, context } ) =>
			el(
				'div',
				blockEditor.useBlockProps(),
				el(
					blockEditor.InspectorControls,
					{},
					el(
						components.PanelBody,
						{ title: texts.title },
						el( components.RangeControl, {
							label: texts.limit,
							min: 1,
							max: 12,
							value: attributes.limit || 6,
							onChange: ( limit ) => setAttributes( { limit } ),
						} ),
						el( components.TextControl, {
							label: texts.heading,
							value: attributes.heading || '',
							onChange: ( heading ) => setAttributes( { heading } ),
						} )
					)
				),
				el(
					components.Disabled,
					{},
					el( serverSideRender, {
						block: 'alsolike/related',
						attributes,
						urlQueryArgs: context && context.postId ? { post_id: context.postId } : {},
						EmptyResponsePlaceholder: () => el( 'p', {}, texts.empty ),
					} )
				)
			),
		save: () => null,
	} );
} )( window.wp, window.alsolikeBlock );
